"""All that has come of the outcomes up to an offset; no Kafka, no clock."""

from collections import deque
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

from headrace.evaluating.evaluator import DAY_MS, SERVED, Evaluation, Evaluator, KnownOutcome
from headrace.evaluating.money import Costs, realised
from headrace.learning.domain import Fold, Outcome
from headrace.learning.trial import Trial
from headrace.usecase.charter import Charter
from headrace.usecase.labels import CENSORED, MATURED
from headrace.usecase.policy import Action

WINDOW_DAYS: Final = 7
"""Models are evaluated by the weeks in which events happened."""
RECENT: Final = 200
"""Vectors of the latest outcomes, on which a frozen model must agree with the one that learned."""


class Taken(NamedTuple):
    """What came of an outcome."""

    is_freeze_due: bool
    final: list[Evaluation]
    """Of windows of which all is known now."""
    passed_over: str
    """Why it was not looked at; empty where it was."""


class Standing:
    """The models that learn, how good they are, and how far they have come.

    Parameters
    ----------
    charter
        Declares ``[learning]``.

    Raises
    ------
    HeadraceError
        The charter declares what cannot be learned.
    """

    def __init__(self, charter: Charter) -> None:
        assert charter.learning is not None  # noqa: S101 -- whoever learns has looked
        self.position = 0
        """The offset after the last outcome."""
        self.fold = Fold(charter.learning, charter.feature_set.names)
        self.recent: deque[list[float]] = deque(maxlen=RECENT)
        labels = charter.labels
        capacity = charter.review_capacity
        self.evaluator = Evaluator(
            [SERVED, *charter.learning.models],
            [*labels.sources, MATURED, CENSORED],
            labels.longest_horizon_ms + charter.events.lateness_ms,
            None if capacity is None else capacity.per_day * WINDOW_DAYS,
            WINDOW_DAYS * DAY_MS,
        )
        self.trial = Trial(charter)
        self._champion = charter.learning.champion
        self._feature_set = charter.feature_set.digest
        self._values = charter.values
        self._currency: str | None = None

    @property
    def currency(self) -> str | None:
        """The currency of what decisions have cost: that of the first one."""
        return self._currency

    def take(self, record: Mapping[str, Any], offset: int) -> Taken:
        """Score an outcome, then learn from it.

        The same outcomes in the same order always come to the same, whatever they are.

        Parameters
        ----------
        record
            An ``OutcomeKnown``.

        Raises
        ------
        HeadraceError
            A model cannot compute with it; it is counted all the same.
        """
        self.position = offset + 1
        if record["feature_set"] != self._feature_set:
            return Taken(is_freeze_due=False, final=[], passed_over="it has other features")
        vector: list[float] = record["features"]
        scores = self.fold.predict(vector)
        mine = scores[self._champion]
        if not record["fallback"]:
            scores[SERVED] = record["score"]
        value, is_due = record["value"], False
        try:
            final = self.evaluator.take(self._known(record, scores))
        except ValueError as error:
            return Taken(is_freeze_due=False, final=[], passed_over=str(error))
        self.recent.append(vector)
        self.trial.take(record, mine)
        if value is not None:
            is_due = self.fold.take(Outcome(record["event_id"], vector, value))
        return Taken(is_due, final, "")

    def digest(self) -> bytes:
        """Return the digest of all of it: two with the same one go on alike."""
        hasher = sha256(f"{self.position} {list(self.recent)} {self._currency}".encode())
        hasher.update(repr(self.trial.parts()).encode())
        hasher.update(self.fold.digest())
        hasher.update(self.evaluator.digest())
        return hasher.digest()

    def _known(self, record: Mapping[str, Any], scores: Mapping[str, float]) -> KnownOutcome:
        return KnownOutcome(
            record["decision_id"],
            record["occurred_at_ms"],
            record["known_at_ms"],
            record["value"],
            record["source"],
            scores,
            self._costs(record),
        )

    def _costs(self, record: Mapping[str, Any]) -> Costs | None:
        """Return what the decision has cost, in the currency of the first that has cost any."""
        amount, value = record["amount_minor"], record["value"]
        if self._values is None or amount is None or value is None:
            return None
        if self._currency is None:
            self._currency = record["currency"]
        if record["currency"] != self._currency:
            return None
        action: Action = record["action"] if record["acted"] else "approve"
        return realised(self._values, action, amount, is_positive=value)
