"""All that has come of the outcomes up to an offset; no Kafka, no clock."""

from collections import deque
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

from headrace.evaluating.evaluator import (
    DAY_MS,
    SERVED,
    WINDOW_DAYS,
    Evaluation,
    Evaluator,
    KnownOutcome,
)
from headrace.evaluating.money import Costs, realised
from headrace.learning.domain import Fold, Outcome
from headrace.learning.trial import Trial
from headrace.usecase.charter import Charter
from headrace.usecase.labels import CENSORED, MATURED
from headrace.usecase.policy import Action

OTHER: Final = "other"
"""By the word of a source that the charter does not name any more."""
_LARGEST: Final = 1e15
RECENT: Final = 200
"""Vectors of the latest outcomes, on which a frozen model must agree with the one that learned."""


class Taken(NamedTuple):
    """What came of an outcome."""

    is_freeze_due: bool
    final: list[Evaluation]
    """Of windows of which all is known now."""
    passed_over: str
    """Why it was not looked at; empty where it was."""


def take_or_fault(standing: "Standing", record: Mapping[str, Any], offset: int) -> Taken | str:
    """Take an outcome; return why not, where that fails.

    What a failure leaves behind is the same each time, so it is no matter when that is.
    """
    try:
        return standing.take(record, offset)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 -- whatever a model raises, the outcome causes it
        return f"{type(error).__name__}: {error}"


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
        self.version = ""
        """Of the models that were frozen last."""
        self.fold = Fold(charter.learning, charter.feature_set.names)
        self.recent: deque[list[float]] = deque(maxlen=RECENT)
        labels = charter.labels
        capacity = charter.review_capacity
        self._features = len(charter.feature_set.names)
        self._sources = {*labels.sources, MATURED, CENSORED}
        self.evaluator = Evaluator(
            [SERVED, *charter.learning.models],
            [*labels.sources, MATURED, CENSORED, OTHER],
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
        if fault := self._fault(record):
            return Taken(is_freeze_due=False, final=[], passed_over=fault)
        scores = {
            name: score
            for name, score in self.fold.predict(vector).items()
            if 0.0 <= score <= 1.0  # a model that has gone astray says what is no number
        }
        if not record["fallback"]:
            scores[SERVED] = record["score"]
        value, is_due = record["value"], False
        final = self.evaluator.take(self._known(record, scores))
        self.recent.append(vector)
        if self._champion in scores:
            self.trial.take(record, scores[self._champion])
        if value is not None:
            is_due = self.fold.take(Outcome(record["event_id"], vector, value))
        if is_due:
            self.version = str(self.fold.taken)
        return Taken(is_due, final, "")

    def digest(self) -> bytes:
        """Return the digest of all of it: two with the same one go on alike."""
        hasher = sha256(f"{self.position} {list(self.recent)} {self._currency}".encode())
        hasher.update(repr(self.trial.parts()).encode())
        hasher.update(self.fold.digest())
        hasher.update(self.evaluator.digest())
        return hasher.digest()

    def _fault(self, record: Mapping[str, Any]) -> str:
        """Return why nothing can be computed with an outcome, or nothing."""
        vector = record["features"]
        if len(vector) != self._features:
            return f"it has {len(vector)} features, not {self._features}"
        if not all(abs(value) <= _LARGEST for value in vector):
            return "a feature is too large to compute with, or no number"
        if not 0.0 <= record["score"] <= 1.0:
            return "its score is no probability"
        if abs(record["amount_minor"] or 0) > _LARGEST:
            return "its amount is too large to compute with"
        return ""

    def _known(self, record: Mapping[str, Any], scores: Mapping[str, float]) -> KnownOutcome:
        return KnownOutcome(
            record["decision_id"],
            record["occurred_at_ms"],
            record["known_at_ms"],
            record["value"],
            record["source"] if record["source"] in self._sources else OTHER,
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
