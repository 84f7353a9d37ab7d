"""The bytes that librdkafka's ``consumer_group_metadata()`` returns, and back."""

import struct
from typing import NamedTuple

_MAGIC = b"CGMDv2:"
_GENERATION = struct.Struct("=i")


class GroupMetadata(NamedTuple):
    """Who commits offsets: -1 and an empty id for a consumer that never was a member."""

    group: str
    generation: int
    member_id: str


def encode(metadata: GroupMetadata) -> bytes:
    """Return the metadata as librdkafka lays it out; no static membership."""
    names = metadata.group.encode() + b"\0" + metadata.member_id.encode() + b"\0"
    return _MAGIC + _GENERATION.pack(metadata.generation) + names + b"\1"


def decode(encoded: bytes) -> GroupMetadata:
    """Return what was encoded."""
    (generation,) = _GENERATION.unpack_from(encoded, len(_MAGIC))
    names = encoded[len(_MAGIC) + _GENERATION.size :]
    group, member_id, _ = names.split(b"\0")
    return GroupMetadata(group.decode(), generation, member_id.decode())
