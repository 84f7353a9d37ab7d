"""Dividing the false alarms that are allowed among all that is watched."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from headrace.contracts.records import SignalKind
from headrace.drift.segments import divided

SHARES: Final[Mapping[SignalKind, float]] = {
    "input": 0.25,
    "score": 0.05,
    "concept": 0.3,
    "calibration": 0.1,
    "label": 0.1,
    "quality": 0.1,
    "serving": 0.1,
}
"""Of the false alarms that are allowed, by kind."""
_SEGMENTED: Final = 0.5
"""Of a kind's share, what is for segments, where it is watched by those."""


class Shares:
    """Has a share for each monitor; together they are never more than one.

    A kind's share is divided evenly among its monitors; where a kind is watched by segments, too,
    those have one half of it, evenly among as many as there are, and the others the other half.

    Parameters
    ----------
    segmented
        Kinds that are watched by segments.
    """

    def __init__(self, segmented: Iterable[SignalKind]) -> None:
        self._segmented = frozenset(segmented)
        self._counts = Counter[tuple[SignalKind, bool]]()

    def add(self, subject: str) -> None:
        """Let another monitor have a share."""
        self._counts[_group(subject)] += 1

    def of(self, subject: str) -> float:
        """Return a monitor's share."""
        kind, is_segment = group = _group(subject)
        share = SHARES[kind] / self._counts[group]
        if kind not in self._segmented:
            return share
        return share * (_SEGMENTED if is_segment else 1 - _SEGMENTED)


def kind_of(subject: str) -> SignalKind:
    """Return of which kind a drift of a subject is."""
    kind: Any = subject.partition("/")[0]
    return kind  # type: ignore[no-any-return]  # subjects begin with their kind


def _group(subject: str) -> tuple[SignalKind, bool]:
    return kind_of(subject), bool(divided(subject)[1])
