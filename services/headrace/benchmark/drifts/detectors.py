"""Detectors of one stream of values behind one small interface: ours, and River's beside it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from river import drift

from headrace.drift.monitor import Value
from headrace.drift.values import ValueMonitor

OURS: Final = "ranked CUSUM"


class Detector(Protocol):
    """Looks at one value after the other; larger ones are worse."""

    def notices(self, value: float) -> bool:
        """Tell whether a drift to the worse is noticed with this value."""


class RankedCusum:
    """A monitor of the drift service.

    Parameters
    ----------
    once_in
        At most one false alarm is allowed in so many values.
    """

    def __init__(self, once_in: float) -> None:
        self._once_in = once_in
        self._monitor = ValueMonitor("loss", two_sided=False, least=20, least_magnitude=0.0)

    def notices(self, value: float) -> bool:
        """Take in a value."""
        change = self._monitor.take(Value(value, 0, ""), self._once_in)
        return change is not None and change.is_raised


class Adwin:
    """Bifet and Gavalda's ADWIN (2007), where the mean has grown.

    Parameters
    ----------
    delta
        Chance with which two parts of a window that are alike are told apart.
    """

    def __init__(self, delta: float) -> None:
        adwin: Any = drift.ADWIN  # River does not type it
        self._river = adwin(delta=delta)

    def notices(self, value: float) -> bool:
        """Take in a value."""
        before = self._river.estimation
        self._river.update(value)
        return bool(self._river.drift_detected and self._river.estimation > before)


class PageHinkley:
    """Page's test (1954) for a mean that grows.

    Parameters
    ----------
    threshold
        Of the sum of what is above the mean.
    """

    def __init__(self, threshold: float) -> None:
        self._river: Any = drift.PageHinkley(threshold=threshold, mode="up")

    def notices(self, value: float) -> bool:
        """Take in a value."""
        self._river.update(value)
        return bool(self._river.drift_detected)


_SETTINGS: Final[Mapping[str, tuple[Callable[[float], Detector], Sequence[float]]]] = {
    OURS: (RankedCusum, (1e3, 1e4, 1e5, 1e6, 1e8, 1e10, 1e13)),
    "ADWIN": (Adwin, (3e-1, 1e-1, 1e-2, 2e-3, 1e-4, 1e-6, 1e-9, 1e-14)),
    "Page-Hinkley": (PageHinkley, (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0)),
}
"""From the most watchful to the least."""


class Tried(NamedTuple):
    """What a detector made of a stream."""

    detector: str
    setting: float
    alarms: int
    """Before anything had drifted."""
    delay: int | None
    """Values of what has drifted, until it was noticed; None where it was not."""


def tried(values: Sequence[tuple[float, bool]], early: int = 0) -> list[Tried]:
    """Try every detector in every setting.

    Parameters
    ----------
    values
        Each with whether it is of what has drifted.
    early
        So many of those are so little drifted that a delay does not count them.
    """
    return [
        Tried(name, setting, *_tried(make(setting), values, early))
        for name, (make, settings) in _SETTINGS.items()
        for setting in settings
    ]


def _tried(
    detector: Detector, values: Sequence[tuple[float, bool]], early: int
) -> tuple[int, int | None]:
    alarms = seen = 0
    for value, is_after in values:
        seen += is_after
        if detector.notices(value):
            if seen:
                return alarms, max(0, seen - early)
            alarms += 1
    return alarms, None


class Chosen(NamedTuple):
    """A detector in the most watchful setting whose false alarms are few enough.

    Or in the least watchful one, where they are too many in each.
    """

    detector: str
    setting: float
    alarms: int
    delays: Sequence[int | None]


def chosen(stationary: Sequence[Tried], drifted: Sequence[Tried], most: float) -> list[Chosen]:
    """Return each detector as it is allowed to be.

    Parameters
    ----------
    stationary, drifted
        All streams whose false alarms count; those whose delays do.
    most
        False alarms that are allowed, all streams together.
    """
    alarms = Counter[tuple[str, float]]()
    for each in stationary:
        alarms[each.detector, each.setting] += each.alarms
    found = []
    for name, (_, settings) in _SETTINGS.items():
        quiet = (each for each in settings if alarms[name, each] <= most)
        setting = next(quiet, settings[-1])
        took = [each.delay for each in drifted if each[:2] == (name, setting)]
        found.append(Chosen(name, setting, alarms[name, setting], took))
    return found
