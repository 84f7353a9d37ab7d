"""Watching one stream of values: quiet, then perhaps drifted, then quiet again."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from headrace.drift.evidence import Evidence
from headrace.drift.ranking import Ranking

_PATIENCE: Final = (10, 200)
"""Values that are looked at before the first of them is held to be usual: at least, and at most."""
_RECOVERY: Final = (20, 200)
"""Values that must look as before until a drift is over: as many as it took to notice it."""
_RELAPSE: Final = 16
"""Times in a row that they must, at most, where it has returned: twice as often each time."""
_ADOPTED_AFTER: Final = 5
"""Times as many values after which what has lasted is the new usual."""
_EXAMPLES: Final = 5


NOW: Final = 0
USUAL: Final = 1
"""Slots of a monitor's state: the second changes seldom, and is large."""


class Value(NamedTuple):
    """One value of the stream."""

    value: float
    """The larger, the stranger; where it is two-sided, the smaller too."""
    at_ms: int
    """Event time."""
    example: str
    """A decision that it is of, by its id; may be empty."""
    carried: Any = None
    """What the monitor needs, should the value be found usual; JSON."""


class Sized(NamedTuple):
    """How much something has changed."""

    before: float
    after: float
    magnitude: float


class Change(NamedTuple):
    """A drift that was noticed, or that is over."""

    is_raised: bool
    reason: str
    """Why it is over."""
    began_ms: int
    """Since when it is drifted (event time), as well as can be told."""
    noticed_at_ms: int
    """When that, or its end, was noticed (event time)."""
    observed: int
    """Values that were looked at for it."""
    sized: Sized
    rarity: float
    """So many times as rare is so much evidence by chance as the false alarms that are allowed."""
    examples: list[str]


class Monitor(ABC):
    """Tells when a stream of values has changed, and when that is over.

    A value joins what is usual some time after it was looked at, unless a drift is noticed before:
    half as many values after it as are usual already, 200 at most. Whether there is some evidence
    against it does not matter: else what is usual would be what is like the first few. While a
    drift lasts, nothing is learned. Before it is known how values clump, nothing is evidence: a
    clump would look like a drift.

    Parameters
    ----------
    subject
        What it watches; its name among the monitors.
    two_sided
        Whether small values are strange, too.
    least
        Usual values that it takes before anything is strange.
    least_magnitude
        A change that is smaller matters to nobody, however sure it is.
    """

    _ranking: Ranking
    _evidence: Evidence
    _suspects: deque[tuple[Value, float | None]]
    """Not usual yet, each with its surprise."""
    _raised: Change | None
    _latest: deque[tuple[Value, float]]
    """While a drift lasts, the latest values with their surprises."""
    _lasted: int
    _calm: int
    """Values since the latest drift was over and all was as before."""
    _times: int
    """How often in a row all had to be as before until it was over; 0 where there was none."""
    _passed: int
    """While a drift lasts, how often in a row it was by now."""
    taken: int
    """Values, since it began or another stream did."""

    def __init__(
        self, subject: str, *, two_sided: bool, least: int, least_magnitude: float
    ) -> None:
        self.subject = subject
        self._two_sided = two_sided
        self._least_magnitude = least_magnitude
        self._ranking = Ranking(least, two_sided=two_sided)
        self.taken = 0
        self._forget()

    def take(self, value: Value, once_in: float) -> Change | None:
        """Take in a value.

        Parameters
        ----------
        once_in
            At most one false alarm is allowed in so many values.

        Returns
        -------
        What has changed, if anything.
        """
        self.taken += 1
        surprise = self._ranking.surprise(value.value, _tie(self.subject, self.taken))
        if self._raised is not None:
            return self._go_on(value, surprise)
        self._calm += 1
        self._suspects.append((value, surprise))
        if surprise is not None and self._ranking.is_clumping_known:
            self._evidence.take(surprise / self._ranking.clumping)
        if len(self._suspects) > self._patience:
            self._accept()
        rarity = self._evidence.once_in / once_in
        return self._raise(rarity) if rarity >= 1 and self._evidence.since else None

    @property
    def raised(self) -> Change | None:
        """The drift that lasts, if one does."""
        return self._raised

    def start_anew(self) -> Change | None:
        """Forget what is usual: it is another stream from now on. A drift that lasted is over."""
        before = self._raised
        self._forget()
        self.taken = 0
        if before is None:
            return None
        return before._replace(is_raised=False, reason="another model serves")

    @abstractmethod
    def size(self, suspects: Sequence[Value]) -> Sized:
        """Return how much suspected values differ from what is usual."""

    @abstractmethod
    def accept(self, value: Value) -> None:
        """Learn more of a usual value than its rank."""

    @abstractmethod
    def forget(self) -> None:
        """Forget what :meth:`accept` has learned."""

    def _raise(self, rarity: float) -> Change | None:
        since = min(self._evidence.since, len(self._suspects))
        suspects = [value for value, _ in list(self._suspects)[-since:]]
        sized = self.size(suspects)
        if abs(sized.magnitude) < self._least_magnitude:
            self._let_be()
            return None
        self._raised = Change(
            is_raised=True,
            reason="",
            began_ms=suspects[0].at_ms,
            noticed_at_ms=suspects[-1].at_ms,
            observed=since,
            sized=sized,
            rarity=rarity,
            examples=[each.example for each in suspects if each.example][-_EXAMPLES:],
        )
        self._latest = deque(maxlen=min(max(since, _RECOVERY[0]), _RECOVERY[1]))
        is_relapse = self._calm < _ADOPTED_AFTER * (self._latest.maxlen or 1) * self._times
        self._times = min(2 * self._times, _RELAPSE) if is_relapse else 1
        self._lasted = self._passed = 0
        self._suspects.clear()
        return self._raised

    def _let_be(self) -> None:
        """Take what is suspected for usual, and for no clump: it matters to nobody."""
        self._evidence = Evidence(two_sided=self._two_sided)
        for value, _ in self._suspects:
            self._learn(value, None)
        self._suspects.clear()

    def _go_on(self, value: Value, surprise: float | None) -> Change | None:
        """Look whether the drift that was raised is over.

        What comes and goes is one drift: each time that it is back before it would have become the
        usual, it must be away twice as often in a row, so that nobody is told ever again.
        """
        most = self._latest.maxlen or 1
        self._latest.append((value, surprise or 0.0))
        self._lasted += 1
        if len(self._latest) < most:
            return None
        total = sum(surprise for _, surprise in self._latest)
        strange = abs(total) if self._two_sided else total
        is_as_before = strange / most**0.5 <= self._ranking.clumping
        self._passed = self._passed + 1 if is_as_before else 0
        if is_as_before and self._passed < self._times:
            self._latest.clear()  # the next values of them tell whether it stays so
            return None
        if is_as_before:
            self._evidence = Evidence(two_sided=self._two_sided)
            self._calm = 0
            return self._clear("it is as before")
        if self._lasted >= _ADOPTED_AFTER * most * self._times:
            change = self._clear("what it is now has become the usual")
            self._forget()
            return change
        return None

    def _clear(self, reason: str) -> Change:
        raised, latest = self._raised, [value for value, _ in self._latest]
        assert raised is not None  # noqa: S101 -- whoever calls has looked
        self._raised = None
        self._latest.clear()
        return raised._replace(
            is_raised=False,
            reason=reason,
            noticed_at_ms=latest[-1].at_ms,
            observed=self._lasted,
            sized=self.size(latest),
        )

    @property
    def _patience(self) -> int:
        least, most = _PATIENCE
        return min(max(self._ranking.known // 2, least), most)

    def _accept(self) -> None:
        self._learn(*self._suspects.popleft())

    def _learn(self, value: Value, surprise: float | None) -> None:
        self._ranking.learn(value.value, surprise)
        self.learn(value)

    def learn(self, value: Value) -> None:
        """Take a value for usual, but for its rank."""
        self.accept(value)
        self._is_usual_new = True

    def _forget(self) -> None:
        self._ranking.forget()
        self._evidence = Evidence(two_sided=self._two_sided)
        self._suspects = deque()
        self._raised = None
        self._latest = deque(maxlen=_RECOVERY[0])
        self._lasted = self._calm = self._times = self._passed = 0
        self._is_usual_new = True
        self.forget()

    def slots(self) -> dict[int, dict[str, Any]]:
        """Return what has changed since this was last asked, by slot, as JSON."""
        changed: dict[int, dict[str, Any]] = {NOW: self.now()}
        if self._is_usual_new:
            changed[USUAL] = self.usual()
            self._is_usual_new = False
        return changed

    def restore(self, slots: Mapping[int, Mapping[str, Any]]) -> None:
        """Become what another was, given all its slots."""
        if USUAL in slots:
            self.restore_usual(slots[USUAL])
        self.restore_now(slots[NOW])
        self._is_usual_new = False

    def now(self) -> dict[str, Any]:
        """Return what changes with each value."""
        return {
            "taken": self.taken,
            "evidence": self._evidence.parts(),
            "suspects": list(self._suspects),
            "raised": self._raised,
            "latest": [self._latest.maxlen, list(self._latest)],
            "lasted": self._lasted,
            "calm": self._calm,
            "times": [self._times, self._passed],
        }

    def usual(self) -> dict[str, Any]:
        """Return what is usual."""
        return {"ranking": self._ranking.parts()}

    def restore_now(self, parts: Mapping[str, Any]) -> None:
        """Take back :meth:`now`."""
        self.taken, self._lasted = parts["taken"], parts["lasted"]
        self._calm, (self._times, self._passed) = parts["calm"], parts["times"]
        self._evidence.restore(parts["evidence"])
        self._suspects = deque((Value(*value), surprise) for value, surprise in parts["suspects"])
        maxlen, latest = parts["latest"]
        self._latest = deque(((Value(*value), each) for value, each in latest), maxlen)
        self._raised = raised_of({NOW: parts})

    def restore_usual(self, parts: Mapping[str, Any]) -> None:
        """Take back :meth:`usual`."""
        self._ranking.restore(parts["ranking"])


def raised_of(slots: Mapping[int, Mapping[str, Any]]) -> Change | None:
    """Return the drift that lasts by what was kept of a monitor, or of something else, if any."""
    raised = slots.get(NOW, {}).get("raised")
    return None if raised is None else _change(raised)


def _change(parts: Sequence[Any]) -> Change:
    change = Change(*parts)
    return change._replace(sized=Sized(*change.sized))


def _tie(subject: str, count: int) -> float:
    """Return a number in [0, 1) that depends on nothing but how many values there were."""
    return int.from_bytes(sha256(f"{subject} {count}".encode()).digest()[:8]) / 2.0**64
