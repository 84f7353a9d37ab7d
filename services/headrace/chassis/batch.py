"""A batch of input records, and what is known of it at each step."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeVar

from headrace.chassis.metrics import CountName
from headrace.chassis.records import Outgoing, Received
from headrace.chassis.state import Overlay
from headrace.chassis.tracing import Sampler, Trace
from headrace.contracts.codec import Undecodable
from headrace.contracts.reasons import DeadLetterReason

V = TypeVar("V")
Headers = list[tuple[str, bytes | None]]
Place = tuple[int, int]
"""Partition and offset."""
Traces = dict[Place, Trace]
RECORDED_MOST: Final = 50
"""Of a batch: a publisher that samples everything must not decide what deciding costs."""


class Fetched(Protocol):
    """A message without an error: confluent-kafka's ``Message``, whose fields are then there."""

    def topic(self) -> str:
        """Return the topic."""

    def partition(self) -> int:
        """Return the partition."""

    def offset(self) -> int:
        """Return the offset."""

    def key(self) -> bytes | None:
        """Return the key."""

    def value(self) -> bytes | None:
        """Return the value."""

    def headers(self) -> Headers | None:
        """Return the headers; to be asked once (see :mod:`.headers`)."""

    def timestamp(self) -> tuple[int, int]:
        """Return the kind of the timestamp, and the timestamp in milliseconds."""


class Batch(NamedTuple):
    """Records of one input, as they were fetched."""

    source: int
    """Which of the inputs."""
    messages: Sequence[Fetched]
    headers: Mapping[Place, Headers | None]
    """Of those that have any; None where they are unreadable."""
    group_metadata: Any
    """The group's generation when the batch was fetched. Offsets are sent with this: with fresh
    metadata, a zombie that has rejoined would commit a batch that others have processed."""


class Dead(NamedTuple):
    """An input record given up."""

    partition: int
    offset: int
    reason: DeadLetterReason
    detail: str


class Work(NamedTuple, Generic[V]):
    """What came of a batch."""

    source: int
    """Which of the inputs it was of."""
    messages: Sequence[Fetched]
    outgoing: list[Outgoing]
    dead: list[Dead]
    counts: Counter[CountName]
    overlay: Overlay[V]
    traces: Traces
    """Of the messages that belong to one."""


class InDoubt(NamedTuple, Generic[V]):
    """A batch whose transaction failed, so that only the broker knows whether it happened."""

    source: int
    """Which of the inputs it was of."""
    token: str
    """Stands in the metadata of the offsets: tells our commit from another member's."""
    positions: dict[int, int]
    overlay: Overlay[V]
    then: Callable[[], None]
    """What follows a commit besides the merge: to be called where it did happen."""


class Decoded(NamedTuple):
    """A batch decoded."""

    received: list[Received]
    dead: list[Dead]
    """What could not be."""
    traces: Traces


def decode(
    messages: Sequence[Fetched],
    decode_value: Callable[[bytes | None], dict[str, Any]],
    headers: Mapping[Place, Headers | None],
    sampler: Sampler,
    key_errors: Literal["strict", "replace"] = "strict",
) -> Decoded:
    """Decode messages; what cannot be decoded is dead.

    Parameters
    ----------
    key_errors
        What a key that is no text comes to: strict, and its record is dead; or replace, and what
        stands there for the key is a text all the same.
    """
    decoded, recorded, begun = Decoded([], [], {}), 0, sampler.begins(len(messages))
    for number, message in enumerate(messages):
        value, partition, offset = message.value(), message.partition(), message.offset()
        carried = headers.get((partition, offset)) if headers else None
        trace = sampler.of(carried) if carried else begun.get(number)
        if trace is not None:
            recorded += trace.is_recorded
            if trace.is_recorded and recorded > RECORDED_MOST:
                trace = trace.unrecorded()
            if trace is not None:
                decoded.traces[partition, offset] = trace
        try:
            record = decode_value(value)
            key = (message.key() or b"").decode("utf-8", key_errors)
        except Undecodable as error:
            decoded.dead.append(Dead(partition, offset, error.reason, error.detail))
        except UnicodeDecodeError as no_text:
            detail = f"the key is no text: {no_text}"
            decoded.dead.append(Dead(partition, offset, "key_mismatch", detail))
        else:
            _, timestamp_ms = message.timestamp()
            decoded.received.append(
                Received(partition, offset, key, value or b"", record, timestamp_ms, trace)
            )
    return decoded


def with_unread(decoded: Decoded, messages: Sequence[Fetched]) -> list[Received]:
    """Return what was decoded and, unread, what could not be, by partition and offset."""
    places = {(each.partition, each.offset) for each in decoded.dead}
    unread = [
        Received(*place, "", message.value() or b"", {}, message.timestamp()[1])
        for message in messages
        if (place := (message.partition(), message.offset())) in places
    ]
    return sorted([*decoded.received, *unread], key=lambda each: (each.partition, each.offset))


def positions(messages: Sequence[Fetched]) -> dict[int, int]:
    """Return the offset after the last message of each partition."""
    return {message.partition(): message.offset() + 1 for message in messages}
