"""Who answers for a use case, what it is to achieve, and when it ends."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, DurationMs, Number, Slug, Text
from headrace.usecase.located import KeyPath
from headrace.usecase.problems import Problem, unknown
from headrace.usecase.salvage import as_far_as_known


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Owner:
    """Who answers for the decisions."""

    name: Text = Field(examples=["Orders"])
    """The person or team to turn to."""
    role: Text = Field(examples=["Head of Orders"])
    """The role that is accountable, whoever holds it."""
    contact: Text = Field(examples=["orders@example.org"])
    """Where they are reached when something goes wrong."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Kpi:
    """What the business gains, as a number that somebody measures."""

    name: Slug = Field(examples=["loss_share"])
    """What the conditions call it."""
    target: Number = Field(examples=[0.0005])
    """The value to reach."""
    unit: Text = Field(examples=["share of the amount"])
    """What the number counts."""
    better: Literal["higher", "lower"] = Field(examples=["lower"])
    """Which way is good."""
    measured: Text = Field(examples=["losses over the amount, by month"])
    """How it is measured: from what, over what, when."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class KpiCondition:
    """A KPI that has been above or below a value for some time."""

    kpi: Slug = Field(examples=["loss_share"])
    """The name of one of the KPIs."""
    above: Number | None = Field(default=None, examples=[0.002])
    """It holds where the KPI is above this; a condition has this or below."""
    below: Number | None = Field(default=None, examples=[0.0005])
    """It holds where the KPI is below this."""
    over: DurationMs = Field(examples=["28d"])
    """The span that it is measured over."""

    @model_validator(mode="after")
    def _has_one_bound(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("a condition is a kpi, and either above or below")
        return self

    @property
    def asks_for(self) -> Literal["higher", "lower"]:
        """Which values fulfil it."""
        return "lower" if self.above is None else "higher"

    def holds(self, value: float) -> bool:
        """Tell whether a value of the KPI fulfils it."""
        return (self.above is not None and value > self.above) or (
            self.below is not None and value < self.below
        )


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Fairness:
    """Who must not be decided about differently."""

    attributes: tuple[Text, ...] = Field(min_length=1, examples=[["age_band"]])
    """By what decisions are compared, be it in the event or known elsewhere; never an input."""


def unmatched_conditions(
    kpis: Sequence[Kpi], section: Literal["go_on", "stop"], conditions: Sequence[KpiCondition]
) -> Iterator[Problem]:
    """Yield every condition on no KPI, and every one that its KPI's target contradicts."""
    by_name = {kpi.name: kpi for kpi in kpis}
    for place, condition in enumerate(conditions):
        with as_far_as_known():
            kpi = by_name.get(condition.kpi)
            if kpi is None:
                path = (section, place, "kpi")
                yield Problem(path, unknown("KPI", condition.kpi, list(by_name)))
            elif (condition.asks_for == kpi.better) != (section == "go_on"):
                word = {"higher": "above", "lower": "below"}
                good, bad = word[kpi.better], "below" if kpi.better == "higher" else "above"
                yield Problem(
                    (section, place),
                    f"of {kpi.name}, {kpi.better} is better",
                    f"write {good if section == 'go_on' else bad}",
                )
            elif section == "stop" and condition.holds(kpi.target):
                yield Problem(
                    (section, place),
                    f"it would stop a use case that reaches its target of {kpi.target}",
                    "let it begin where the target is missed",
                )


def repeated_kpis(kpis: Sequence[Kpi]) -> Iterator[Problem]:
    """Yield every KPI whose name was taken before."""
    seen: set[str] = set()
    for place, kpi in enumerate(kpis):
        with as_far_as_known():
            if kpi.name in seen:
                yield Problem(("kpis", place, "name"), f"{kpi.name} is declared twice")
            seen.add(kpi.name)


def protected_inputs(
    fairness: Fairness | None, inputs: Iterable[tuple[KeyPath, str]]
) -> Iterator[Problem]:
    """Yield every protected attribute among what decisions are made from, by where it stands."""
    attributes = fairness.attributes if fairness else ()
    for path, field in inputs:
        if field in attributes:
            yield Problem(
                path,
                f"{field} is a fairness attribute, and must not decide",
                "decide without it, or take it out of [fairness]",
            )
