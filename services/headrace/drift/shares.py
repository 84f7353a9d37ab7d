"""Dividing the false alarms that are allowed among all that is watched."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from headrace.contracts.records import SignalKind
from headrace.drift.outcomes import BASE_RATE
from headrace.drift.segments import divided

SHARES: Final[Mapping[str, float]] = {
    "input": 0.25,
    "score": 0.05,
    "concept": 0.25,
    "calibration": 0.1,
    BASE_RATE: 0.1,
    "label": 0.05,
    "quality": 0.1,
    "serving": 0.1,
}
"""Of the false alarms that are allowed, by subject or by kind: the others of a kind together."""
_SEGMENTED: Final = 0.5
"""Of such a share, what is for segments, where they are watched, too."""


class Shares:
    """Has a share for each monitor; together they are never more than one.

    What :data:`SHARES` names is divided evenly among its monitors; where they are watched by
    segments, too, those have one half of it, evenly among as many as there are, and the others the
    other half.

    Parameters
    ----------
    segmented
        Subjects that are watched by segments.
    """

    def __init__(self, segmented: Iterable[str]) -> None:
        self._segmented = frozenset(name for name, _ in map(_group, segmented))
        self._counts = Counter[tuple[str, bool]]()

    def add(self, subject: str) -> None:
        """Let another monitor have a share."""
        self._counts[_group(subject)] += 1

    def of(self, subject: str) -> float:
        """Return a monitor's share."""
        name, is_segment = group = _group(subject)
        share = SHARES[name] / self._counts[group]
        if name not in self._segmented:
            return share
        return share * (_SEGMENTED if is_segment else 1 - _SEGMENTED)


def kind_of(subject: str) -> SignalKind:
    """Return of which kind a drift of a subject is."""
    kind: Any = subject.partition("/")[0]
    return kind  # type: ignore[no-any-return]  # subjects begin with their kind


def _group(subject: str) -> tuple[str, bool]:
    whole, segment = divided(subject)
    return whole if whole in SHARES else kind_of(subject), bool(segment)
