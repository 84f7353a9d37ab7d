"""Why a record can end in the dead letters: the closed list."""

from typing import Literal

DeadLetterReason = Literal[
    "null_value",  # a tombstone where a fact was expected
    "too_large",  # more bytes than the topic allows
    "bad_framing",  # not the magic byte and a schema id
    "unknown_schema",  # the id is not in the registry, or belongs to another record
    "undecodable",  # the bytes do not fit their own schema
    "trailing_bytes",  # the record ended before its bytes did
    "invalid_value",  # decoded, but a field breaks the charter's checks
    "future",  # its event time is further ahead than the charter allows
    "key_mismatch",  # the record's key is not the value's key field
    "id_conflict",  # an event id that was seen with another payload
    "unknown_source",  # a label of somebody whom the charter does not know
    "cannot_speak",  # a label of somebody who cannot know what became of an event so decided
    "label_conflict",  # the same source has said otherwise with the same revision
    "orphan",  # a label whose event was never decided, or too long ago
    "undeliverable",  # an alert that its receiver does not take
    "handler_failed",  # the handler fails on it, alone and again
]
