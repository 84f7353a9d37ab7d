"""Watching one stream of values: quiet, then perhaps drifted, then quiet again."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from headrace.drift.evidence import Evidence
from headrace.drift.ranking import Ranking

_MOST_SUSPECTS: Final = 2_000
_RECOVERY: Final = (20, 200)
"""Values that must look as before until a drift is over: as many as it took to notice it."""
_ADOPTED_AFTER: Final = 5
"""Times as many values after which what has lasted is the new usual."""
_EXAMPLES: Final = 5


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
    since_ms: int
    observed: int
    """Values from then on."""
    sized: Sized
    once_in: float
    """So much evidence comes by chance once in so many values."""
    examples: list[str]


class Monitor(ABC):
    """Tells when a stream of values has changed, and when that is over.

    What is not suspected joins what is usual, so a value is compared with all those before it until
    the moment since when there is evidence against them. While a drift lasts, nothing is learned.

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

    def __init__(
        self, subject: str, *, two_sided: bool, least: int, least_magnitude: float
    ) -> None:
        self.subject = subject
        self._two_sided, self._least = two_sided, least
        self._least_magnitude = least_magnitude
        self.taken = 0
        """Values so far."""
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
        self._suspects.append((value, surprise))
        if surprise is not None:
            self._evidence.take(surprise / self._ranking.clumping)
        if self._evidence.is_at_rest:
            self._accept(len(self._suspects))
        elif len(self._suspects) > _MOST_SUSPECTS:
            self._accept(1)
        return self._raise(once_in) if self._evidence.once_in >= once_in else None

    @property
    def raised(self) -> Change | None:
        """The drift that lasts, if one does."""
        return self._raised

    def start_anew(self) -> Change | None:
        """Forget what is usual: it is another stream from now on. A drift that lasted is over."""
        before = self._raised
        self._forget()
        return None if before is None else self._cleared(before, "it is another model", before)

    @abstractmethod
    def size(self, suspects: Sequence[Value]) -> Sized:
        """Return how much suspected values differ from what is usual."""

    @abstractmethod
    def accept(self, value: Value) -> None:
        """Learn more of a usual value than its rank."""

    @abstractmethod
    def forget(self) -> None:
        """Forget what :meth:`accept` has learned."""

    def _raise(self, once_in: float) -> Change | None:
        since = min(self._evidence.since, len(self._suspects))
        suspects = [value for value, _ in list(self._suspects)[-since:]]
        sized = self.size(suspects)
        if abs(sized.magnitude) < self._least_magnitude:
            return None
        self._raised = Change(
            is_raised=True,
            reason="",
            since_ms=suspects[0].at_ms,
            observed=since,
            sized=sized,
            once_in=self._evidence.once_in,
            examples=[each.example for each in suspects if each.example][-_EXAMPLES:],
        )
        self._latest = deque(maxlen=min(max(since, _RECOVERY[0]), _RECOVERY[1]))
        self._lasted = 0
        self._suspects.clear()
        return self._raised

    def _go_on(self, value: Value, surprise: float | None) -> Change | None:
        """Look whether the drift that was raised is over."""
        raised, most = self._raised, self._latest.maxlen
        assert raised is not None and most is not None  # noqa: S101 -- whoever calls has looked
        self._latest.append((value, surprise or 0.0))
        self._lasted += 1
        if len(self._latest) < most:
            return None
        sign = -1.0 if raised.sized.after < raised.sized.before and self._two_sided else 1.0
        mean = sign * sum(surprise for _, surprise in self._latest) / most
        if mean * most**0.5 <= self._ranking.clumping:
            self._evidence = Evidence(two_sided=self._two_sided)
            return self._clear("it is as before")
        if self._lasted >= _ADOPTED_AFTER * most:
            change = self._clear("what it is now has become the usual")
            self._forget()
            return change
        return None

    def _clear(self, reason: str) -> Change:
        raised, latest = self._raised, [value for value, _ in self._latest]
        assert raised is not None  # noqa: S101 -- whoever calls has looked
        self._raised = None
        self._latest.clear()
        now = raised._replace(
            since_ms=latest[-1].at_ms, observed=self._lasted, sized=self.size(latest)
        )
        return self._cleared(now, reason, raised)

    @staticmethod
    def _cleared(now: Change, reason: str, raised: Change) -> Change:
        return now._replace(is_raised=False, reason=reason, once_in=raised.once_in)

    def _accept(self, count: int) -> None:
        for _ in range(count):
            value, surprise = self._suspects.popleft()
            self._ranking.learn(value.value, surprise)
            self.accept(value)

    def _forget(self) -> None:
        self._ranking = Ranking(self._least)
        self._evidence = Evidence(two_sided=self._two_sided)
        self._suspects: deque[tuple[Value, float | None]] = deque()
        self._raised: Change | None = None
        self._latest: deque[tuple[Value, float]] = deque(maxlen=_RECOVERY[0])
        self._lasted = 0
        self.forget()

    def parts(self) -> dict[str, Any]:
        """Return all of it as JSON, for :meth:`restore`."""
        return {
            "taken": self.taken,
            "ranking": self._ranking.parts(),
            "evidence": self._evidence.parts(),
            "suspects": list(self._suspects),
            "raised": self._raised,
            "latest": [self._latest.maxlen, list(self._latest)],
            "lasted": self._lasted,
        }

    def restore(self, parts: dict[str, Any]) -> None:
        """Become what another was."""
        self.taken, self._lasted = parts["taken"], parts["lasted"]
        self._ranking.restore(parts["ranking"])
        self._evidence.restore(parts["evidence"])
        self._suspects = deque((Value(*value), surprise) for value, surprise in parts["suspects"])
        maxlen, latest = parts["latest"]
        self._latest = deque(((Value(*value), each) for value, each in latest), maxlen)
        raised = parts["raised"]
        self._raised = None if raised is None else _change(raised)


def _change(parts: Sequence[Any]) -> Change:
    change = Change(*parts)
    return change._replace(sized=Sized(*change.sized))


def _tie(subject: str, count: int) -> float:
    """Return a number in [0, 1) that depends on nothing but how many values there were."""
    return int.from_bytes(sha256(f"{subject} {count}".encode()).digest()[:8]) / 2.0**64
