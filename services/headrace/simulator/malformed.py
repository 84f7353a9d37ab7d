"""Records that must not be decided: broken bytes, and well-formed ones with impossible content."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from headrace.simulator.kinds import Kind

Record: TypeAlias = Mapping[str, Any]
Encode: TypeAlias = Callable[[Record], bytes]
"""A record to its value as published: the magic byte, the schema's id, the Avro body."""

_FRAMING = 5  # the magic byte and the schema's id
_YEAR_2100_MS = 4_102_444_800_000
_MANY_YEARS_MS = 100_000_000_000_000  # some 3,000 years
_LENGTH_BOMB = b"\x80\x80\x80\x80\x80\x80\x02"  # Avro's zigzag of a length of 2**42


def malform(
    kind: Kind, record: Record, encode: Encode, random: np.random.Generator
) -> tuple[str, bytes | None]:
    """Return key and value of a record that has to be rejected for the reason ``kind``.

    Parameters
    ----------
    kind
        One of the kinds that this module makes (a conflict of ids needs an earlier record).
    record
        A valid transaction, which stays as it is.
    encode
        Writes values as they would be published.
    random
        Chooses between the ways of being broken.
    """
    key = str(record["card_id"])
    if kind == "null_value":
        return key, None
    if kind == "key_mismatch":
        return f"{key}-x", encode(record)
    if kind in _IMPOSSIBLE:
        ways = _IMPOSSIBLE[kind]
        return key, encode({**record, **ways[random.integers(len(ways))]})
    mutations = _BROKEN[kind]
    return key, mutations[random.integers(len(mutations))](encode(record), random)


def _cut(value: bytes, random: np.random.Generator) -> bytes:
    return value[: random.integers(_FRAMING + 1, len(value))]


def _cut_framing(value: bytes, random: np.random.Generator) -> bytes:
    return value[: random.integers(_FRAMING)]


def _length_bomb(value: bytes, _: np.random.Generator) -> bytes:
    return value[:_FRAMING] + _LENGTH_BOMB + value[_FRAMING:]


def _negative_length(value: bytes, _: np.random.Generator) -> bytes:
    return value[:_FRAMING] + b"\x01" + value[_FRAMING:]


def _not_utf8(value: bytes, _: np.random.Generator) -> bytes:
    # Within the first string: its length takes one byte or two.
    return value[: _FRAMING + 2] + b"\xff" + value[_FRAMING + 3 :]


def _other_magic(value: bytes, random: np.random.Generator) -> bytes:
    return bytes([random.integers(1, 256)]) + value[1:]


def _other_format(_: bytes, random: np.random.Generator) -> bytes:
    return b'{"card_id": "card-%d", "amount": 12.5}' % random.integers(1_000)


def _other_schema(value: bytes, random: np.random.Generator) -> bytes:
    # Few and far beyond any id in use: a registry is asked about each of them.
    return value[:1] + (0x7FFF_FFF0 + int(random.integers(4))).to_bytes(4, "big") + value[_FRAMING:]


def _more(value: bytes, random: np.random.Generator) -> bytes:
    return value + random.bytes(int(random.integers(1, 9)))


_BROKEN: dict[Kind, tuple[Callable[[bytes, np.random.Generator], bytes], ...]] = {
    "bad_framing": (_other_magic, _cut_framing, _other_format),
    "unknown_schema": (_other_schema,),
    "undecodable": (_cut, _length_bomb, _negative_length, _not_utf8),
    "trailing_bytes": (_more,),
}
_IMPOSSIBLE: dict[Kind, tuple[Record, ...]] = {
    "invalid_value": (
        {"distance_km": float("nan")},
        {"distance_km": float("inf")},
        {"distance_km": float("-inf")},
        {"distance_km": -1.0},
        {"amount_minor": -1},
        {"amount_minor": 10**17},
        {"currency": "???"},
        {"occurred_at_ms": 0},
    ),
    "future": (
        {"occurred_at_ms": _YEAR_2100_MS},
        {"occurred_at_ms": _MANY_YEARS_MS},
    ),
}
