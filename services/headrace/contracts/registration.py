"""Registers the schemas of topics: first every check, then the first change."""

from collections.abc import Iterable
from typing import Any, Final

from headrace.contracts.changes import Change
from headrace.contracts.registry import Compatibility, Registry
from headrace.contracts.schemas import load_schema
from headrace.contracts.topics import TopicSpec

COMPATIBILITY: Final[Compatibility] = "FULL_TRANSITIVE"


def plan_schemas(registry: Registry, topics: Iterable[TopicSpec]) -> list[Change]:
    """Compare every topic's schema and compatibility level with the registry; changes nothing."""
    return [_plan(registry, topic.subject, load_schema(topic.schema)) for topic in topics]


def apply_schemas(registry: Registry, topics: Iterable[TopicSpec], changes: list[Change]) -> None:
    """Carry out a plan without refusals.

    Raises
    ------
    HeadraceError
        The registry refuses a schema after all.
    """
    schemas = {topic.subject: load_schema(topic.schema) for topic in topics}
    for change in changes:
        if change.change == "register":
            registry.register(change.name, schemas[change.name])
        if change.change in ("register", "configure"):
            registry.set_compatibility(change.name, COMPATIBILITY)


def _plan(registry: Registry, subject: str, schema: dict[str, Any]) -> Change:
    if registry.find(subject, schema) is None:
        refusals = registry.is_compatible(subject, schema)
        if refusals:
            return Change("schema", subject, "refused", "; ".join(refusals))
        return Change("schema", subject, "register", COMPATIBILITY)
    level = registry.compatibility(subject)
    if level != COMPATIBILITY:
        return Change("schema", subject, "configure", f"compatibility {level} -> {COMPATIBILITY}")
    return Change("schema", subject, "unchanged", "")
