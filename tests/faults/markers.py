"""Taking an end marker from the offsets of consumer groups, in the files of a stopped broker.

What a broker that is stopped under load does now and then, this does each time: all of a
transaction is there, but the marker in the partition of the group's offsets.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_HEAD = struct.Struct(">qiibIhiq")
"""Base offset, length of what follows, leader's epoch, magic, CRC, attributes, last offset's
delta, timestamp."""
_BEFORE_LENGTH = 12
_CONTROL = 0x20
_DERIVED = ("*.index", "*.timeindex", "*.txnindex", "*.snapshot")


class _Batch(NamedTuple):
    log: Path
    start: int
    is_marker: bool
    timestamp_ms: int


def lose_last_marker(data: Path) -> None:
    """Cut the latest end marker off the group's offsets that it stands at the end of.

    Parameters
    ----------
    data
        The broker's; nothing may have been written to that group's offsets since.
    """
    logs = data.glob("__consumer_offsets-*/*.log")
    last = [batch for log in logs for batch in list(_batches(log))[-1:]]
    latest = max((each for each in last if each.is_marker), key=lambda each: each.timestamp_ms)
    with latest.log.open("r+b") as file:
        file.truncate(latest.start)
    for pattern in _DERIVED:
        for derived in latest.log.parent.glob(pattern):
            derived.unlink()
    (data / ".kafka_cleanshutdown").unlink(missing_ok=True)  # so that it derives them again


def _batches(log: Path) -> Iterator[_Batch]:
    content = log.read_bytes()
    at = 0
    while at + _HEAD.size <= len(content):
        _, length, _, _, _, attributes, _, timestamp_ms = _HEAD.unpack_from(content, at)
        if length <= 0:  # the rest was allocated only
            return
        yield _Batch(log, at, bool(attributes & _CONTROL), timestamp_ms)
        at += _BEFORE_LENGTH + length
