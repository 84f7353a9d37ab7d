"""A use case of a trial's own, so that every trial begins with empty topics."""

import re
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
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
_SERVICES = ("scoring", "labelling", "learning", "profiling", "sketching", "drift", "alerting")
_ABSENT = (KafkaError.GROUP_ID_NOT_FOUND, KafkaError.UNKNOWN_TOPIC_OR_PART)


def prepare(
    charter: Path, copy: Path, clients: Clients, registry: Registry, *, backlog: bool
) -> Charter:
    """Copy a charter under a new name, and give it topics, schemas and a signed model.

    Parameters
    ----------
    copy
        Where the copy goes; the use case is called as the file.
    backlog
        The events will all be there at once, so that most wait: the copy's deadline is a day, or
        nearly every decision would be the late action.

    Returns
    -------
    The copy.
    """
    copy.parent.mkdir(parents=True, exist_ok=True)
    text = re.sub(r'(?m)^name = ".*"', f'name = "{copy.stem}"', charter.read_text("utf-8"), count=1)
    if backlog:
        text = re.sub(r'(?m)^within = ".*"', 'within = "86400s"', text, count=1)
    copy.write_text(text, "utf-8")
    loaded = Charter.load(copy)
    topics = list(load_topics(loaded.name, loaded.events.schema).values())
    apply_schemas(registry, topics, plan_schemas(registry, topics))
    create(clients.admin(), topics)
    freeze(ScoringSettings(), loaded)
    return loaded


def create(admin: AdminClient, topics: Sequence[TopicSpec]) -> None:
    """Create topics that do not exist."""
    replicas = replication_factor(admin, None)
    apply_topics(admin, topics, plan_topics(admin, topics, replicas), replicas)


def discard(use_case: str, clients: Clients) -> None:
    """Delete the topics and the consumer group of a use case; what is not there is no error.

    Other libraries name changelogs after the group, some with a word and ``__`` before it.
    """
    admin = clients.admin()
    own = re.compile(rf"(?:\w+__)?{re.escape(use_case)}\.")
    names = [name for name in admin.list_topics(timeout=_CALL_S).topics if own.match(name)]
    waits = [*admin.delete_topics(names).values()] if names else []
    groups = [f"{use_case}.{service}" for service in _SERVICES]
    waits += admin.delete_consumer_groups(groups).values()
    for wait in waits:
        try:
            wait.result(_CALL_S)
        except KafkaException as error:
            if error.args[0].code() not in _ABSENT:
                raise
