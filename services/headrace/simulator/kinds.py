"""What is published, and what a consumer has to make of it."""

from typing import Literal, NamedTuple, TypeAlias, get_args

from headrace.contracts.reasons import DeadLetterReason

Kind: TypeAlias = Literal[
    "ordinary",  # decided
    "out_of_order",  # decided: older than its card's newest, by less than the allowed lateness
    "late",  # decided and flagged: older by more than that
    "duplicate",  # the same bytes again: no second decision
    # What follows becomes a dead letter whose reason is the kind.
    "id_conflict",  # the same id with another payload
    "null_value",
    "bad_framing",
    "unknown_schema",
    "undecodable",
    "trailing_bytes",
    "invalid_value",
    "future",
    "key_mismatch",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
DECIDED: tuple[Kind, ...] = ("ordinary", "out_of_order", "late")
REJECTED: frozenset[Kind] = frozenset(KINDS) & frozenset(get_args(DeadLetterReason))


class Publication(NamedTuple):
    """One record to publish."""

    key: str
    value: bytes | None
    """Framed Avro, or what is meant to fail; None is a tombstone."""
    kind: Kind
