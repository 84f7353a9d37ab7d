"""Reasons: why an event was not simply approved, in words with numbers, and as codes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from headrace.usecase.policy import BY_SEVERITY, Action
from headrace.usecase.rules import Rule
from headrace.usecase.templates import USUAL, VALUE, Template

MOST: Final = 4
LATE: Final = "LATE"
FALLBACK: Final = "FALLBACK"
CAPACITY: Final = "CAPACITY"
EXPECTED_COST: Final = "EXPECTED_COST"
"""These are codes beside those of the rules and the names of the features."""
_UNSAID: Final = "{name} is {{value}}, where {{usual}} is usual"


class Reason(NamedTuple):
    """One reason."""

    code: str
    words: str


_CROWDED_OUT = Reason(CAPACITY, "the reviews of its day are taken, or kept for worse")


class Case(NamedTuple):
    """What is known about a decision that needs reasons."""

    record: Mapping[str, Any]
    vector: Sequence[float]
    contributions: Sequence[float]
    score: float
    hits: Sequence[Rule]
    by_model: Action | None
    """What the model alone would have; None where it could not."""
    action: Action
    is_crowded_out: bool
    """A review was due, and there was no place for it."""


class Reasons:
    """Gives reasons.

    Parameters
    ----------
    templates
        By feature: what is said where it counts against the event. Beside the features and fields
        it may name ``value``, the feature's own, and ``usual``, where the feature adds nothing.
    rules
        All of them.
    features
        Names of the vector, in its order.
    usual
        Of each feature, as the model has it; empty where there is no model.
    currency
        The event's field with the currency.
    """

    def __init__(
        self,
        templates: Mapping[str, str],
        rules: Sequence[Rule],
        features: Sequence[str],
        usual: Sequence[float],
        currency: str,
    ) -> None:
        self._features = tuple(features)
        self._usual = tuple(usual)
        self._of_features = [
            Template(templates.get(name) or _unsaid(name), features, currency) for name in features
        ]
        self._of_rules = {rule.code: Template(rule.words, features, currency) for rule in rules}

    def late(self, late_ms: int, deadline_ms: int, *, is_crowded_out: bool) -> list[Reason]:
        """Return the reasons of a decision that came after its deadline."""
        words = f"it was decided after {late_ms:,} ms, where {deadline_ms:,} ms are allowed"
        return [Reason(LATE, words), *([_CROWDED_OUT] if is_crowded_out else [])]

    def of(self, case: Case) -> list[Reason]:
        """Return up to ``MOST`` reasons, the weightiest first; none for a plain approval."""
        reasons = []
        if case.by_model is None:
            reasons.append(Reason(FALLBACK, "the model could not be used, so the rules decided"))
        reasons += self._of_hits(case)
        if case.is_crowded_out:
            reasons.append(_CROWDED_OUT)
        if case.by_model not in (None, "approve") and case.action != "approve":
            reasons += self._pushing(case)
        if not reasons and case.action != "approve":
            words = f"at a score of {case.score:.2f}, to {case.action} is expected to cost least"
            reasons.append(Reason(EXPECTED_COST, words))
        return reasons[:MOST]

    def _of_hits(self, case: Case) -> Iterator[Reason]:
        """Yield the rules that asked for no less than what is done, or for less than a review."""
        for action in reversed(BY_SEVERITY):
            if action == "approve" and case.action != "approve":
                return
            for rule in case.hits:
                if rule.action == action:
                    words = self._of_rules[rule.code].say(case.record, case.vector)
                    yield Reason(rule.code, words)

    def _pushing(self, case: Case) -> Iterator[Reason]:
        """Yield the features that added to the score, the most first."""
        added = case.contributions
        against = [i for i, amount in enumerate(added) if amount > 0.0]
        for i in sorted(against, key=added.__getitem__, reverse=True)[:MOST]:
            given = {VALUE: case.vector[i], USUAL: self._usual[i]}
            words = self._of_features[i].say(case.record, case.vector, given)
            yield Reason(self._features[i], words)


def _unsaid(name: str) -> str:
    """Return what is said of a feature of which the charter says nothing."""
    return _UNSAID.format(name=name.replace("_", " "))
