"""Which trace a record belongs to: W3C trace context in record headers, and who is sampled.

https://www.w3.org/TR/trace-context/. No spans are made here (see :mod:`.telemetry`): whether one
will be is known from a flag, so that a record that is not sampled costs next to nothing.
"""

import re
from collections.abc import Sequence
from contextvars import ContextVar
from math import inf, log, log1p
from random import getrandbits
from typing import Any, Final, NamedTuple, Protocol

Headers = list[tuple[str, str | bytes | None]]
"""As confluent-kafka takes them; what it gives are bytes."""

_TRACEPARENT: Final = "traceparent"
_TRACESTATE: Final = "tracestate"
_VALUE = re.compile(
    rb"(?:00|(?!00|ff)([0-9a-f]{2}))"  # a later version may have more fields
    rb"-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?(1)(?:-.*)?)"
)
_STATE = re.compile(rb"[\x20-\x7e]{1,512}")  # what a vendor may count on
_SAMPLED: Final = 1
_LOWER_64: Final = (1 << 64) - 1


class SpanIds(NamedTuple):
    """A span, by its trace and its own id, in hexadecimal digits."""

    trace_id: str
    span_id: str


class Trace(NamedTuple):
    """The trace of one record."""

    trace_id: str
    """32 hexadecimal digits."""
    parent_id: str
    """The span that the record came from, 16 hexadecimal digits; empty where the trace begins."""
    span_id: str
    """The span that handles it, where it is recorded; else that from which it came."""
    flags: int
    """As they came, or as the sampler decides."""
    is_recorded: bool
    """We record it."""
    state: bytes | None = None
    """W3C's ``tracestate``, handed on as it came."""

    @property
    def is_sampled(self) -> bool:
        """Whether anybody records it."""
        return bool(self.flags & _SAMPLED)

    @property
    def ids(self) -> SpanIds:
        """The span that handles the record."""
        return SpanIds(self.trace_id, self.span_id)

    def unrecorded(self) -> "Trace | None":
        """Return it as one that we do not record: nothing, where it began here."""
        if not self.parent_id:
            return None
        return self._replace(span_id=self.parent_id, is_recorded=False)

    def headers(self, span_id: str) -> Headers:
        """Return the headers of a record that comes from a span of this trace."""
        headers: Headers = [
            (_TRACEPARENT, f"00-{self.trace_id}-{span_id}-{self.flags:02x}".encode())
        ]
        if self.state is not None:
            headers.append((_TRACESTATE, self.state))
        return headers


class CurrentSpan(Protocol):
    """The span in which work is being done."""

    def named_by_log(self) -> SpanIds:
        """Return its ids for a log line, which makes it worth recording."""


CURRENT: ContextVar[CurrentSpan | None] = ContextVar("current", default=None)


class Sampler:
    """Decides which traces are recorded, by their ids, as OpenTelemetry's samplers do.

    Parameters
    ----------
    rate
        Share of the traces that is recorded, from 0 to 1.
    follows_parent
        What the one before has decided holds; the rate is for traces that begin here.
    records
        False: nothing is recorded here, and what comes is handed on.
    """

    def __init__(self, rate: float, *, follows_parent: bool = True, records: bool = True) -> None:
        self._bound = round(rate * (1 << 64)) if records else 0
        self._follows_parent = follows_parent
        self._records = records

    def begin(self) -> Trace:
        """Return a new trace."""
        trace_id = getrandbits(128) or 1
        is_sampled = trace_id & _LOWER_64 < self._bound
        return Trace(f"{trace_id:032x}", "", new_span_id(), int(is_sampled), is_sampled)

    def of(self, headers: Sequence[tuple[str, Any]] | None) -> Trace | None:
        """Return the trace of a record with some headers, or none.

        Returns
        -------
        None where it has no trace, and none begins here.
        """
        trace = self._continued(headers) if headers else None
        if trace is None and (lower := getrandbits(64)) < self._bound:
            return _begun(lower)
        return trace

    def begins(self, records: int) -> dict[int, Trace]:
        """Return the traces that begin among as many records without one, by the record's number.

        As :meth:`of` for each, at the price of those that begin: what is drawn is how many records
        it takes to the next.
        """
        begun: dict[int, Trace] = {}
        if self._bound:
            spread = log1p(-self._bound / (1 << 64)) if self._bound < 1 << 64 else -inf
            number = int(log(_share()) / spread)
            while number < records:
                begun[number] = _begun(getrandbits(64) * self._bound >> 64)
                number += 1 + int(log(_share()) / spread)
        return begun

    def _continued(self, headers: Sequence[tuple[str, Any]]) -> Trace | None:
        values = [value for name, value in headers if name == _TRACEPARENT]
        found = _VALUE.fullmatch(values[0] or b"") if len(values) == 1 else None
        if found is None:
            return None
        trace_id, parent_id = found[2].decode(), found[3].decode()
        flags = int(found[4], 16)
        if self._records and not self._follows_parent:
            is_sampled = int(trace_id[16:], 16) < self._bound
            flags = flags & ~_SAMPLED | is_sampled
        is_recorded = self._records and bool(flags & _SAMPLED)
        span_id = new_span_id() if is_recorded else parent_id
        return Trace(trace_id, parent_id, span_id, flags, is_recorded, _state(headers))


def _share() -> float:
    """Return a random number above 0, at most 1."""
    return (getrandbits(53) + 1) / (1 << 53)


def said_later(trace_id: str) -> Headers:
    """Return the headers of a record that belongs to a sampled trace, from a span of its own."""
    span_id = new_span_id()
    return Trace(trace_id, "", span_id, _SAMPLED, is_recorded=False).headers(span_id)


def _begun(lower: int) -> Trace:
    """Return a new trace that is recorded, by the lower half of its id."""
    trace_id = f"{getrandbits(64) or 1:016x}{lower:016x}"
    return Trace(trace_id, "", new_span_id(), _SAMPLED, is_recorded=True)


def _state(headers: Sequence[tuple[str, Any]]) -> bytes | None:
    """Return the vendors' state; not what is no state, or larger than anybody has to carry."""
    for name, value in headers:
        if name == _TRACESTATE and _STATE.fullmatch(value or b""):
            state: bytes = value
            return state
    return None


def new_span_id() -> str:
    """Return an id that no other span has."""
    return f"{getrandbits(64) or 1:016x}"
