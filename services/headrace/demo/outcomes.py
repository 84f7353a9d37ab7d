"""What the decisions say, counted: the live view counts as they come, the end over all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.demo.money import Money
from headrace.usecase.policy import BY_SEVERITY
from headrace.usecase.values import Values


class Outcomes:
    """Counts decisions; one thread adds, any may look.

    Parameters
    ----------
    values
        What the charter says that each outcome is worth.
    """

    def __init__(self, values: Values | None = None) -> None:
        self.actions: Counter[str] = Counter()
        self.late = 0
        """Events that came later than the charter's lateness."""
        self.deadline_missed = 0
        self.not_acted = 0
        """Decided in shadow."""
        self.fallbacks: Counter[str] = Counter()
        self.models: Counter[tuple[str, str]] = Counter()
        """Decisions by the name and the version of the model, in the order of the first ones."""
        self.latest_model = ("", "")
        self.reasons: Counter[str] = Counter()
        """By code."""
        self.words: dict[str, str] = {}
        """The latest words of each code."""
        self.money = Money(values)
        self.traced: Mapping[str, Any] | None = None
        """Of those whose trace is recorded, the latest of the most severe."""
        self._examples: dict[tuple[str, bool], Mapping[str, Any]] = {}

    @property
    def decided(self) -> int:
        """Number of decisions."""
        return self.actions.total()

    def add(self, decisions: Sequence[Mapping[str, Any]]) -> None:
        """Count decisions."""
        for decision in decisions:
            self.actions[decision["action"]] += 1
            self.latest_model = decision["model"], decision["model_version"]
            self.models[self.latest_model] += 1
            self.late += decision["late"]
            self.deadline_missed += decision["deadline_missed"]
            self.not_acted += not decision["acted"]
            if decision["fallback"]:
                self.fallbacks[decision["fallback"]] += 1
            if decision["reasons"]:
                self._explain(decision)
            if decision["trace_id"]:
                self.traced = max(decision, self.traced or decision, key=_severity)
        self.money.add(decisions)

    def top_reasons(self, most: int) -> list[tuple[int, str]]:
        """Return the most frequent reasons: how often, and the words of the latest."""
        top = sorted(self.reasons.items(), key=lambda each: -each[1])[:most]
        return [(count, self.words[code]) for code, count in top]

    def examples(self, most: int) -> list[Mapping[str, Any]]:
        """Return decisions worth looking at, the most severe first.

        Of each action that is no approval, the one about most money: one that the model wanted,
        and one that a rule did.
        """
        order = sorted(
            self._examples, key=lambda kind: (kind[1], -severity(kind[0]))
        )  # the model's of each action, then the rules'
        chosen = order[:most]
        return [self._examples[kind] for kind in sorted(chosen, key=lambda k: -severity(k[0]))]

    def _explain(self, decision: Mapping[str, Any]) -> None:
        for code, words in zip(decision["reason_codes"], decision["reasons"], strict=False):
            self.words[code] = words
            self.reasons[code] += 1
        kind = decision["action"], bool(decision["rule_hits"])
        if decision["action"] != BY_SEVERITY[0] and (
            kind not in self._examples or _stake(decision) > _stake(self._examples[kind])
        ):
            self._examples[kind] = decision


def severity(action: str) -> int:
    """Return an action's place among the charter's, 0 for an unknown one."""
    return list[str](BY_SEVERITY).index(action) if action in BY_SEVERITY else 0


def _severity(decision: Mapping[str, Any]) -> int:
    return severity(decision["action"])


def _stake(decision: Mapping[str, Any]) -> int:
    return decision["amount_minor"] or 0
