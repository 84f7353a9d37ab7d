"""The baseline protocol of the Fraud Detection Handbook, and what it has published.

Le Borgne, Siblini, Lebichot, Bontempi, "Reproducible Machine Learning for Credit Card Fraud
Detection - Practical Handbook", 2022, chapters 3 and 5.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.evaluating.exact import average_precision, card_precision, roc_auc

TRAIN_FROM: Final = date(2018, 7, 25)
_DAY_MS: Final = 86_400_000
_WEEK: Final = 7


class Measured(NamedTuple):
    """A model on the test week."""

    roc_auc: float
    average_precision: float
    card_precision_100: float


PUBLISHED: Final = {
    "published: logistic regression": Measured(0.871, 0.606, 0.291),
    "published: decision tree of depth 2": Measured(0.763, 0.496, 0.241),
    "published: random forest": Measured(0.867, 0.658, 0.287),
    "published: XGBoost": Measured(0.862, 0.639, 0.273),
    "published: XGBoost, tuned, mean of four test weeks": Measured(0.871, 0.694, 0.304),
}


class Protocol:
    """Which events count, and how scores of them are measured.

    A week to train on, a week until its labels are known, a week to test on. Cards that are known
    to be compromised are left out: all with a fraud in the first week and, for each test day, those
    with one up to a week before it.

    Parameters
    ----------
    train_from
        First day of the week to train on.
    times_ms, cards, is_positive
        Of all recorded events, (rows,).
    counts
        Which of them may count, (rows,): not what was not decided, because it is faulty or there
        twice, nor what nobody knows the truth of.
    """

    def __init__(
        self,
        train_from: date,
        times_ms: NDArray[np.int64],
        cards: Sequence[str],
        is_positive: NDArray[np.bool_],
        counts: NDArray[np.bool_],
    ) -> None:
        self._days = times_ms // _DAY_MS - _ms(train_from) // _DAY_MS
        self._cards = np.asarray(cards)
        self._is_positive, self._counts = is_positive, counts
        self.test_from_ms = self.test_week_ms(train_from).start
        self.rows = self._test_rows()
        """Those that count."""

    @staticmethod
    def test_week_ms(train_from: date) -> range:
        """Return the milliseconds of the week that is measured."""
        start = _ms(train_from) + 2 * _WEEK * _DAY_MS
        return range(start, start + _WEEK * _DAY_MS)

    def _test_rows(self) -> NDArray[np.intp]:
        days, positive = self._days, self._is_positive
        known = set(self._cards[(days >= 0) & (days < _WEEK) & positive].tolist())
        rows = []
        for day in range(_WEEK):
            known |= set(self._cards[(days == _WEEK - 1 + day) & positive].tolist())
            today = np.flatnonzero((days == 2 * _WEEK + day) & self._counts)
            rows.append(today[~np.isin(self._cards[today], sorted(known))])
        return np.concatenate(rows)

    def measure(self, scores: NDArray[np.float64]) -> Measured:
        """Measure the scores of all events, (rows,)."""
        rows = self.rows
        positive, found = self._is_positive[rows], scores[rows]
        cards = card_precision(self._days[rows], self._cards[rows], positive, found)
        return Measured(roc_auc(positive, found), average_precision(positive, found), cards)


def last_known(known_until_ms: int, last_ms: int) -> date:
    """Return the first day to train on, so that the test week is the last one that can be measured.

    Parameters
    ----------
    known_until_ms
        All is known of what happened before.
    last_ms
        When the last event happened.
    """
    end = min(known_until_ms // _DAY_MS, last_ms // _DAY_MS + 1)
    return datetime.fromtimestamp((end - 3 * _WEEK) * _DAY_MS // 1_000, UTC).date()


def _ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000
