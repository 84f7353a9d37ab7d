"""Taking events in: each is rejected, known already, or moves the windows of its key.

One loop without a call that could be saved: nothing else is done so often.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from librt.strings import BytesWriter
from mypy_extensions import i64

from headrace.chassis.records import Received, Rejected
from headrace.chassis.state import View
from headrace.contracts.reasons import DeadLetterReason
from headrace.scoring.state import State
from headrace.usecase.charter import Charter
from headrace.usecase.entry import PAYLOAD_BYTES
from headrace.usecase.history import KeyHistory, id_digest

LookUp = Callable[[Mapping[str, Any]], list[float]]
Fault = tuple[DeadLetterReason, str]


class Fate:
    """What becomes of an event that is not rejected."""

    def __init__(
        self, event: Received, digest: bytes, first_offset: int | None, *, late: bool
    ) -> None:
        self.event = event
        self.digest = digest
        """SHA-256 of its bytes."""
        self.first_offset = first_offset
        """Where it stood when it was decided; None where it is to be decided now."""
        self.late = late
        """It came later than the charter's lateness."""


class Taken:
    """A batch sorted out, in its order."""

    def __init__(self) -> None:
        self.fates: list[Fate] = []
        self.accepted: list[Fate] = []
        """Those that are to be decided."""
        self.measured = BytesWriter()
        """The windows of these, as ``FeatureSet.windows`` writes them."""
        self.profiled: list[float] = []
        """What is known of their profiles, as ``FeatureSet.matrix`` takes it."""
        self.rejected: list[Rejected] = []


class Intake:
    """Takes events in as a charter says.

    Parameters
    ----------
    look_up
        Measures an event's profiles, in the order of the events; None where none are declared.
    """

    def __init__(self, charter: Charter, look_up: LookUp | None) -> None:
        declared = charter.events
        self._key, self._id, self._time = declared.key, declared.id, declared.time
        self._amount = declared.amount
        self._personal = frozenset(declared.personal)
        self._duplicate_span_ms: i64 = declared.duplicate_span_ms
        self._lateness_ms: i64 = declared.lateness_ms
        self._checks = charter.checks
        self._passing = charter.checks.passing
        self._features = charter.feature_set
        self._windows = charter.feature_set.windows
        self._has_tokens = bool(charter.feature_set.layout.fields)
        self._look_up = look_up

    def take_in(self, received: Sequence[Received], view: View[State], now_ms: int) -> Taken:
        """Sort a batch out that is taken in at ``now_ms``."""
        taken = Taken()
        for event in received:
            key, record = event.key, event.record
            # A key that begins with a zero is one of the state's own.
            is_own = key == record[self._key] and not key.startswith("\0")
            if not (is_own and self._passing.passes(record, now_ms)):
                taken.rejected.append(Rejected(event, *self._fault(event, now_ms)))
                continue
            history = view.get(event.partition, key)
            assert isinstance(history, KeyHistory)  # noqa: S101 -- as the key says
            self._take(event, history, view, taken)
        return taken

    def _take(self, event: Received, history: KeyHistory, view: View[State], taken: Taken) -> None:
        record = event.record
        event_id, digest = id_digest(record[self._id]), sha256(event.value).digest()
        payload, time_ms = digest[:PAYLOAD_BYTES], i64(record[self._time])
        known = history.find(event_id, time_ms, self._duplicate_span_ms)
        if known is None:
            late = history.is_behind(time_ms, self._lateness_ms)
            tokens = self._features.tokens(record) if self._has_tokens else b""
            index, slot, body = history.add(
                time_ms, record[self._amount], event.offset, event_id, payload, tokens
            )
            view.change(event.partition, event.key, slot, event.offset, body)
            self._windows.write(taken.measured, history, index)
            if self._look_up is not None:
                taken.profiled += self._look_up(record)
            fate = Fate(event, digest, None, late=late)
            taken.accepted.append(fate)
            taken.fates.append(fate)
        elif known.payload == payload:
            taken.fates.append(Fate(event, digest, known.offset, late=False))
        else:
            again = self._shown(self._id, record[self._id])
            detail = f"{again} is at offset {known.offset} with another payload"
            taken.rejected.append(Rejected(event, "id_conflict", detail))

    def _fault(self, event: Received, now_ms: int) -> Fault:
        """Return what is wrong with an event that is not in order."""
        key_field = self._key
        if event.key != event.record[key_field]:
            shown = self._shown(key_field, f"{event.key!r:.140}")
            return "key_mismatch", f"the record's key {shown} is not its {key_field}"
        if event.key.startswith("\0"):  # such keys are those of the state's own records
            return "invalid_value", f"{key_field} begins with a zero"
        return self._checks.fault(event.record, now_ms)

    def _shown(self, field: str, value: str) -> str:
        """Return a field's value as a message about a fault may say it."""
        return f"({field} is personal)" if field in self._personal else value
