"""What the decisions are about in money, and what they are expected to cost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headrace.usecase.money import in_words
from headrace.usecase.values import Values


class Money:
    """Sums over decisions, each by currency in minor units.

    Parameters
    ----------
    values
        The charter's; without them nothing has a price.
    """

    def __init__(self, values: Values | None) -> None:
        self._values = values
        self.decided: Counter[str] = Counter()
        self.declined: Counter[str] = Counter()
        self.cost: Counter[str] = Counter()
        """Expected, of the actions that were taken, where the model gave them a price."""
        self.cost_of_approving: Counter[str] = Counter()
        """Expected, of approving the same events whatever the model says."""

    @property
    def currencies(self) -> list[str]:
        """The currencies, the one with most decisions' money first."""
        return [currency for currency, _ in self.decided.most_common()]

    def add(self, decisions: Sequence[Mapping[str, Any]]) -> None:
        """Count decisions."""
        for decision in decisions:
            amount, currency = decision["amount_minor"], decision["currency"]
            if amount is None or currency is None:
                continue
            self.decided[currency] += amount
            if decision["action"] == "decline":
                self.declined[currency] += amount
        if self._values is not None:
            self._add_costs(decisions, self._values)

    def _add_costs(self, decisions: Sequence[Mapping[str, Any]], values: Values) -> None:
        """Count what has a price; each approval is rounded as the decisions' own costs are."""
        priced = [
            decision
            for decision in decisions
            if decision["expected_cost_minor"] is not None and decision["amount_minor"] is not None
        ]
        if not priced:
            return
        scores = np.array([decision["score"] for decision in priced])
        amounts = np.array([decision["amount_minor"] for decision in priced], np.float64)
        approving = np.rint(values.expected_costs(scores, amounts)[0])
        for decision, approved in zip(priced, approving.tolist(), strict=True):
            currency = decision["currency"] or ""
            self.cost[currency] += decision["expected_cost_minor"]
            self.cost_of_approving[currency] += int(approved)

    def as_json(self) -> dict[str, dict[str, int]]:
        """Return the sums by currency, in minor units."""
        return {
            currency: {
                "decided_minor": self.decided[currency],
                "declined_minor": self.declined[currency],
                "expected_cost_minor": self.cost[currency],
                "expected_cost_of_approving_all_minor": self.cost_of_approving[currency],
            }
            for currency in self.currencies
        }

    def words(self) -> list[tuple[str, str]]:
        """Return a name and the sums for each kind of sum, for people."""
        kinds = [("money decided", self.decided), ("money declined", self.declined)]
        if self.cost_of_approving:
            kinds += [
                ("expected cost", self.cost),
                ("of approving all", self.cost_of_approving),
            ]
        return [
            (name, " + ".join(in_words(sums[currency], currency) for currency in self.currencies))
            for name, sums in kinds
            if self.currencies
        ]
