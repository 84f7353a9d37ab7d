"""Which monitors a use case has."""

from collections.abc import Sequence
from typing import Final

from headrace.drift.blocks import BlockMonitor
from headrace.drift.monitor import Monitor
from headrace.drift.outcomes import BASE_RATE, CALIBRATION, DELAY, ERRORS, NEGATIVES, POSITIVES
from headrace.drift.segments import divided
from headrace.drift.values import RateMonitor, ValueMonitor
from headrace.usecase.charter import Charter

INPUT: Final = "input/"
SCORE: Final = "score/served"
VOLUME: Final = "quality/volume"
DEAD_LETTERS: Final = "quality/dead_letters"
SCHEMA: Final = "quality/schema"
NULL: Final = "quality/null/"
SERVING: Final = "serving/"
FLAGS: Final = ("fallback", "deadline_missed", "late")
"""What is counted of decisions, and watched as shares."""
SEGMENTED: Final = (SCORE, POSITIVES, NEGATIVES, ERRORS, CALIBRATION, BASE_RATE)
"""What is watched of the charter's segments, too."""
_LEAST_INDEX: Final = 0.05
"""Of a population stability index; 0.1 is commonly called a small change, 0.25 a large one."""
_LEAST_RATIO: Final = 0.2
"""Of a difference of logarithms: about a fifth more or less."""
_LEAST_VALUES: Final = 20


def new_monitors(charter: Charter, nullable: Sequence[str]) -> dict[str, Monitor]:
    """Return those of all events, by what they watch.

    Parameters
    ----------
    charter
        Its features and sources of labels.
    nullable
        Fields of its events that may be null.
    """
    of_decisions = [INPUT + name for name in charter.feature_set.names] + [SCORE]
    shares = [DEAD_LETTERS, SCHEMA, *(NULL + name for name in nullable)]
    shares += [SERVING + name for name in FLAGS]
    warm_up_ms = _warm_up_ms(charter)
    monitors: dict[str, Monitor] = {each: _of_blocks(each, warm_up_ms) for each in of_decisions}
    monitors |= {each: _of_blocks(each, 0) for each in shares}
    delays = [DELAY + name for name in charter.labels.sources]
    streams = (POSITIVES, NEGATIVES, ERRORS, CALIBRATION, BASE_RATE, VOLUME, *delays)
    return monitors | {each: _of_values(each) for each in streams}


def new_segment_monitor(charter: Charter, subject: str) -> Monitor:
    """Return that of a segment: of one of ``SEGMENTED``, but not of all events."""
    whole, _ = divided(subject)
    return _of_blocks(subject, _warm_up_ms(charter)) if whole == SCORE else _of_values(subject)


def _warm_up_ms(charter: Charter) -> int:
    """Return for how long features change of themselves: until their windows are full."""
    return max(charter.feature_set.windows_ms, default=0)


def _of_blocks(subject: str, warm_up_ms: int) -> Monitor:
    return BlockMonitor(subject, least_magnitude=_LEAST_INDEX, warm_up_ms=warm_up_ms)


def _of_values(subject: str) -> Monitor:
    whole, _ = divided(subject)
    watches = RateMonitor if whole in (ERRORS, CALIBRATION, BASE_RATE) else ValueMonitor
    return watches(
        subject,
        two_sided=whole not in (POSITIVES, NEGATIVES, ERRORS),
        least=_LEAST_VALUES,
        least_magnitude=_LEAST_RATIO,
    )
