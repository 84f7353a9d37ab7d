"""The topics of a use case, as declared in ``schemas/topics.toml``."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from headrace.contracts.location import shipped

DAY_MS: Final = 86_400_000
DEAD_LETTER_RETENTION_MS: Final = 90 * DAY_MS
FOR_EVER: Final = "for ever"
BATCH_OVERHEAD_BYTES: Final = 65_536
REPLICAS_FOR_QUORUM: Final = 3


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic: what it carries, who writes and reads it, and how it is kept."""

    name: str
    description: str
    key: str
    schema: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    partitions: int
    cleanup: Literal["delete", "compact"]
    retention_ms: int | None
    """None is for ever."""
    max_record_bytes: int

    @property
    def subject(self) -> str:
        """Where the registry keeps the schemas of this topic's values."""
        return f"{self.name}-value"


def load_topics(use_case: str, event_schema: str) -> dict[str, TopicSpec]:
    """Read every topic of one use case, dead letters included, by full name.

    Parameters
    ----------
    use_case
        The charter's name, the first part of every topic's name.
    event_schema
        The schema of its events, as ``card-fraud/Transaction``.
    """
    declared = tomllib.loads((shipped("schemas") / "topics.toml").read_text("utf-8"))
    topics: dict[str, TopicSpec] = {}
    for pattern, declaration in declared.items():
        spec = _topic(pattern, declaration, use_case, event_schema)
        topics[spec.name] = spec
        if declaration["dead_letters"]:
            letters = _dead_letters_of(spec, declaration.get("dead_letters_read_by", ()))
            topics[letters.name] = letters
    return topics


def topic_config(spec: TopicSpec, replication: int = 1) -> dict[str, str]:
    """Return Kafka's settings for the topic when it has that many replicas.

    ``max.message.bytes`` bounds a batch, so it leaves room for Kafka's own framing
    and the record's key around the largest value.
    """
    config = {
        "cleanup.policy": spec.cleanup,
        "max.message.bytes": str(spec.max_record_bytes + BATCH_OVERHEAD_BYTES),
        # Else a small compressed record may be any size to whoever reads it.
        "compression.type": "uncompressed",
    }
    if spec.cleanup == "compact":
        # Compaction leaves the segment that is written to alone, and a restore reads all of it.
        config |= {"segment.bytes": str(64 * 1_048_576), "min.cleanable.dirty.ratio": "0.1"}
    if spec.cleanup == "delete":
        config["retention.ms"] = str(-1 if spec.retention_ms is None else spec.retention_ms)
    if replication >= REPLICAS_FOR_QUORUM:
        config["min.insync.replicas"] = "2"
    return config


def _topic(
    pattern: str, declaration: dict[str, Any], use_case: str, event_schema: str
) -> TopicSpec:
    days = declaration.get("retention_days", FOR_EVER)
    return TopicSpec(
        name=pattern.format(use_case=use_case),
        description=declaration["description"],
        key=declaration["key"],
        schema=declaration["schema"].format(event=event_schema),
        producers=tuple(declaration["producers"]),
        consumers=tuple(declaration["consumers"]),
        partitions=declaration["partitions"],
        cleanup=declaration["cleanup"],
        retention_ms=None if days == FOR_EVER else days * DAY_MS,
        max_record_bytes=declaration["max_record_bytes"],
    )


def _dead_letters_of(source: TopicSpec, readers: Sequence[str]) -> TopicSpec:
    """Return the topic that takes what a consumer of the source gave up on.

    A dead letter holds the whole record and the reason, so it may be twice as large. It is kept
    no shorter than what it is a letter of.
    """
    kept_ms = source.retention_ms
    return TopicSpec(
        name=f"{source.name}.dlq",
        description=f"What could not be processed of: {source.description}",
        key=source.key,
        schema="platform/DeadLettered",
        producers=source.consumers,
        consumers=("operators", *readers),
        partitions=source.partitions,
        cleanup="delete",
        retention_ms=None if kept_ms is None else max(DEAD_LETTER_RETENTION_MS, kept_ms),
        max_record_bytes=2 * source.max_record_bytes,
    )
