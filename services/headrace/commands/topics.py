"""``headrace topics apply``: the declared topics and schemas become those of the cluster."""

from collections.abc import Sequence
from pathlib import Path

from headrace.commands import console
from headrace.contracts.changes import Change
from headrace.contracts.location import shipped
from headrace.contracts.topics import TopicSpec, load_topics
from headrace.errors import HeadraceError
from headrace.usecase.charter import Charter


def apply(
    *,
    charter: list[Path] | None = None,
    dry_run: bool = False,
    replication: int | None = None,
    json: bool = False,
) -> None:
    """Create the topics and register the schemas of every use case; safe to repeat.

    Nothing is ever deleted, shrunk or given other partitions. Where anything is refused, nothing
    at all is changed and the exit code is 1.

    Parameters
    ----------
    charter
        A use case's charter; can be repeated. Default: every charter in deploy/charters.
    dry_run
        Show the difference and change nothing.
    replication
        Replicas of new topics. Default: 3 where there are 3 brokers, else 1.
    json
        Print the difference as JSON.
    """
    from headrace.chassis.clients import Clients
    from headrace.chassis.settings import KafkaSettings
    from headrace.chassis.topics import apply_topics, plan_topics, replication_factor
    from headrace.contracts.registration import apply_schemas, plan_schemas
    from headrace.contracts.registry import Registry, RegistrySettings

    topics = declared_topics(charter or charters())
    admin = Clients(KafkaSettings()).admin()
    registry = Registry(RegistrySettings())
    replicas = replication_factor(admin, replication)
    schema_changes = plan_schemas(registry, topics)
    topic_changes = plan_topics(admin, topics, replicas)
    changes = [*topic_changes, *schema_changes]
    refusals = [change for change in changes if change.change == "refused"]
    applied = not dry_run and not refusals
    if applied:
        apply_schemas(registry, topics, schema_changes)
        apply_topics(admin, topics, topic_changes, replicas)
    _show(changes, applied=applied, json=json)
    if refusals:
        raise _refused(refusals)


def charters() -> list[Path]:
    """Return the charters that are shipped or in the checkout."""
    return sorted((shipped("deploy") / "charters").glob("*.toml"))


def declared_topics(paths: Sequence[Path]) -> list[TopicSpec]:
    """Return the topics of every charter.

    Raises
    ------
    HeadraceError
        There is no charter, or one is not valid.
    """
    if not paths:
        raise HeadraceError("There is no charter.", fix="Name one with --charter PATH.")
    return [
        spec
        for charter in map(Charter.load, paths)
        for spec in load_topics(charter.name, charter.events.schema).values()
    ]


def _show(changes: Sequence[Change], *, applied: bool, json: bool) -> None:
    rows = [
        {"": change.what, "name": change.name, "change": change.change, "detail": change.detail}
        for change in changes
    ]
    if json:
        named = [
            {("what" if key == "" else key): cell for key, cell in row.items()} for row in rows
        ]
        console.print_json({"applied": applied, "changes": named})
    else:
        console.print_table("Applied" if applied else "Nothing was changed", rows)


def _refused(refusals: Sequence[Change]) -> HeadraceError:
    lines = [f"{change.what} {change.name}: {change.detail}" for change in refusals]
    return HeadraceError(
        "Refused, and so nothing was changed:\n" + "\n".join(lines),
        fix="Add fields with defaults and keep the others; give changed topics a new name.",
    )
