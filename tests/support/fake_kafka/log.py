"""Partition logs: records, transaction markers and what a reader may see of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from confluent_kafka import TIMESTAMP_CREATE_TIME, Message

Isolation = Literal["read_committed", "read_uncommitted"]
Headers = list[tuple[str, str | bytes | None]]


class Record(NamedTuple):
    """What a producer sends."""

    key: bytes | None
    value: bytes | None
    headers: Headers | None
    timestamp_ms: int

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        named = sum(len(name) + len(value or b"") for name, value in self.headers or ())
        return len(self.key or b"") + len(self.value or b"") + named


class Committed(NamedTuple):
    """An offset that a group has committed for a partition."""

    offset: int
    metadata: str


@dataclass(eq=False, slots=True)
class Transaction:
    """What becomes visible together, or never."""

    outcome: Literal["open", "committed", "aborted"] = "open"
    logs: set["PartitionLog"] = field(default_factory=set)
    offsets: dict[tuple[str, str, int], Committed] = field(default_factory=dict)
    """Pending offsets by (group, topic, partition)."""


class Entry(NamedTuple):
    """One offset's content: a record or, without a message, a transaction's marker."""

    message: Message | None
    transaction: Transaction | None


class PartitionLog:
    """A partition: entries by offset, ``None`` where compaction or retention took one away."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.start = 0
        self._entries: list[Entry | None] = []
        self._open: dict[Transaction, int] = {}

    def append(self, record: Record, transaction: Transaction | None) -> Message:
        """Append a record and return it as a consumer will see it."""
        offset = len(self._entries)
        if transaction is not None:
            transaction.logs.add(self)
            self._open.setdefault(transaction, offset)
        message = Message(
            topic=self.topic,
            partition=self.partition,
            offset=offset,
            key=record.key,
            value=record.value,
            headers=record.headers,
            timestamp=(TIMESTAMP_CREATE_TIME, record.timestamp_ms),
        )
        self._entries.append(Entry(message, transaction))
        return message

    def mark(self, transaction: Transaction) -> None:
        """End a transaction in this partition; its marker takes an offset."""
        del self._open[transaction]
        self._entries.append(Entry(None, transaction))

    def end(self, isolation: Isolation) -> int:
        """Return the high watermark or, for read_committed, the last stable offset."""
        high = len(self._entries)
        return min(self._open.values(), default=high) if isolation == "read_committed" else high

    def read(self, offset: int, isolation: Isolation) -> tuple[Message | None, int]:
        """Return the first visible record at or past ``offset`` and the offset to go on from."""
        end = self.end(isolation)
        while offset < end:
            entry = self._entries[offset]
            offset += 1
            if entry is not None and entry.message is not None and _visible(entry, isolation):
                return entry.message, offset
        return None, max(offset, end)

    def offset_of(self, time_ms: int) -> int:
        """Return the first record's offset whose timestamp is not before a time; -1 for none."""
        for offset, entry in enumerate(self._entries):
            if entry is not None and entry.message is not None:
                _, timestamp_ms = entry.message.timestamp()
                if timestamp_ms >= time_ms:
                    return offset
        return -1

    def committed(self) -> Iterator[Message]:
        """Iterate over what is committed, also where an open transaction still hides it."""
        for entry in self._entries:
            if entry is None or entry.message is None or not _visible(entry, "read_committed"):
                continue
            yield entry.message

    def delete_before(self, offset: int) -> None:
        """Delete the records before ``offset``, as retention does."""
        self.start = offset
        self._entries[:offset] = [None] * offset

    def compact(self) -> None:
        """Keep the last committed record of each key, as the cleaner does below the stable end."""
        kept: set[bytes | None] = set()
        for offset in reversed(range(self.end("read_committed"))):
            entry = self._entries[offset]
            if entry is None or entry.message is None:
                continue
            if not _visible(entry, "read_committed") or entry.message.key() in kept:
                self._entries[offset] = None
            else:
                kept.add(entry.message.key())


def _visible(entry: Entry, isolation: Isolation) -> bool:
    if isolation == "read_uncommitted" or entry.transaction is None:
        return True
    return entry.transaction.outcome == "committed"
