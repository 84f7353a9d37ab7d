"""A use case of the demo's own, so that every demo begins with empty topics."""

import re
import time
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka.admin import AdminClient

from headrace.chassis.clients import Clients
from headrace.chassis.topics import apply_topics, plan_topics, replication_factor
from headrace.contracts.registration import apply_schemas, plan_schemas
from headrace.contracts.registry import Registry
from headrace.contracts.topics import TopicSpec, load_topics
from headrace.scoring.provision import freeze
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter

_CALL_S = 10.0


def prepare(charter: Path, clients: Clients, registry: Registry, *, backlog: bool) -> Path:
    """Copy a charter under a new name, and give it topics, schemas and a signed model.

    Parameters
    ----------
    backlog
        The events will all be there at once, so that most wait: the copy's deadline is a day, or
        nearly every decision would be the late action.

    Returns
    -------
    The copy's path.
    """
    settings = ScoringSettings()
    original = Charter.load(charter)
    name = f"{original.name}-demo-{time.strftime('%m%d-%H%M%S')}"
    copy = settings.home / "demo" / f"{name}.toml"
    copy.parent.mkdir(parents=True, exist_ok=True)
    text = re.sub(r'(?m)^name = ".*"', f'name = "{name}"', charter.read_text("utf-8"), count=1)
    if backlog:
        text = re.sub(r'(?m)^within = ".*"', 'within = "86400s"', text, count=1)
    copy.write_text(text, "utf-8")
    loaded = Charter.load(copy)
    topics = list(load_topics(loaded.name, loaded.events.schema).values())
    apply_schemas(registry, topics, plan_schemas(registry, topics))
    create(clients.admin(), topics)
    freeze(settings, loaded)
    return copy


def create(admin: AdminClient, topics: Sequence[TopicSpec]) -> None:
    """Create topics that do not exist."""
    replicas = replication_factor(admin, None)
    apply_topics(admin, topics, plan_topics(admin, topics, replicas), replicas)


def discard(charter: Path, clients: Clients) -> None:
    """Delete the topics and the consumer group of a demo."""
    loaded = Charter.load(charter)
    admin = clients.admin()
    prefix = f"{loaded.name}."
    names = [name for name in admin.list_topics(timeout=_CALL_S).topics if name.startswith(prefix)]
    waits = [*admin.delete_topics(names).values()]
    waits += admin.delete_consumer_groups([f"{loaded.name}.scoring"]).values()
    for wait in waits:
        wait.result(_CALL_S)
