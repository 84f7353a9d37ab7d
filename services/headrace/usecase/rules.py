"""Rules: what is done whatever the model says, declared as conditions that must all hold."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PlainValidator, StringConstraints, model_validator
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, Text, parse_number
from headrace.usecase.entities import EntityLists, ListName
from headrace.usecase.policy import Action
from headrace.usecase.templates import TemplateText

Operator = Literal[">", ">=", "<", "<=", "==", "!=", "in", "not_in"]
COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_ORDERING: Final = (">", ">=", "<", "<=")
Scalar = int | float | str
RuleCode = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9-]*$", max_length=64)
]


def _operand(value: Any) -> Scalar | tuple[Scalar, ...]:
    if not isinstance(value, list | tuple):
        return _scalar(value)
    if not value or len({isinstance(each, str) for each in value}) > 1:
        raise ValueError("a list of values is all numbers or all texts, and not empty")
    return tuple(map(_scalar, value))


def _scalar(value: Any) -> Scalar:
    return value if isinstance(value, str) and value else parse_number(value)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Condition:
    """One comparison of a field or a feature, or whether a field's value is on a list.

    A field that is null meets no condition.
    """

    field: Text | None = None
    feature: Text | None = None
    op: Operator | None = None
    value: Annotated[Any, PlainValidator(_operand)] = None
    listed_in: ListName | None = None

    @model_validator(mode="after")
    def _has_one_meaning(self) -> Self:
        if (self.field is None) == (self.feature is None):
            raise ValueError("a condition is about a field or a feature")
        if (self.listed_in is None) == (self.op is None):
            raise ValueError("a condition is an op and a value, or listed_in")
        if (self.op is None) != (self.value is None):
            raise ValueError("an op and a value belong together")
        if self.listed_in is not None and self.field is None:
            raise ValueError("only a field's value can be on a list")
        if self.op is not None and (self.op in ("in", "not_in")) != isinstance(self.value, tuple):
            raise ValueError("in and not_in take a list of values, the other ops one value")
        if self.op in _ORDERING and isinstance(self.value, str):
            raise ValueError(f"{self.op} compares numbers")
        return self

    @property
    def is_about_text(self) -> bool:
        """Tell whether it compares texts."""
        first = self.value[0] if isinstance(self.value, tuple) else self.value
        return self.listed_in is not None or isinstance(first, str)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Rule:
    """What is done where all conditions hold."""

    code: RuleCode
    when: tuple[Condition, ...] = Field(min_length=1)
    action: Action
    words: TemplateText
    """The reason, in words."""


_Rows = NDArray[np.intp]
_Test = Callable[
    [Sequence[Mapping[str, Any]], NDArray[np.float64], EntityLists, _Rows | None], _Rows
]


class RuleSet:
    """Rules, ready to be applied to batches.

    Parameters
    ----------
    features
        Names of the vector, in its order.
    """

    def __init__(self, rules: Sequence[Rule], features: Sequence[str]) -> None:
        self.rules = tuple(rules)
        # What is computed for whole columns first: it leaves the fewest rows to look at one by one.
        self._tests: list[list[_Test]] = [
            [_test(each, features) for each in sorted(rule.when, key=lambda c: c.feature is None)]
            for rule in rules
        ]

    def hits(
        self,
        records: Sequence[Mapping[str, Any]],
        matrix: NDArray[np.float64],
        lists: EntityLists,
    ) -> dict[int, list[Rule]]:
        """Return, by row, the rules that apply to it in the order of their declaration.

        Parameters
        ----------
        records, matrix
            The n events, and their vectors (n, k).
        lists
            As they are now.
        """
        found: dict[int, list[Rule]] = {}
        for rule, tests in zip(self.rules, self._tests, strict=True):
            rows: _Rows | None = None
            for test in tests:
                rows = test(records, matrix, lists, rows)
                if not len(rows):
                    break
            for row in () if rows is None else rows.tolist():
                found.setdefault(row, []).append(rule)
        return found


def _test(condition: Condition, features: Sequence[str]) -> _Test:
    if condition.feature is not None:
        return _column_test(condition, features.index(condition.feature))
    holds, field = _holds(condition), str(condition.field)

    def test(
        records: Sequence[Mapping[str, Any]],
        _matrix: NDArray[np.float64],
        lists: EntityLists,
        rows: _Rows | None,
    ) -> _Rows:
        of = range(len(records)) if rows is None else rows.tolist()
        values = ((row, records[row][field]) for row in of)
        kept = [row for row, value in values if value is not None and holds(value, lists)]
        return np.array(kept, np.intp)

    return test


def _column_test(condition: Condition, column: int) -> _Test:
    value = condition.value
    chosen = np.array(value, np.float64) if isinstance(value, tuple) else None

    def test(
        _records: Sequence[Mapping[str, Any]],
        matrix: NDArray[np.float64],
        _lists: EntityLists,
        rows: _Rows | None,
    ) -> _Rows:
        of = matrix[:, column] if rows is None else matrix[rows, column]
        if chosen is None:
            holds = COMPARISONS[str(condition.op)](of, value)
        else:
            holds = np.isin(of, chosen, invert=condition.op == "not_in")
        kept = np.flatnonzero(holds)
        return kept if rows is None else rows[kept]

    return test


def _holds(condition: Condition) -> Callable[[Any, EntityLists], bool]:
    value, name = condition.value, condition.listed_in
    if name is not None:
        return lambda actual, lists: lists.has(name, actual)
    if condition.op == "in":
        return lambda actual, _: actual in value
    if condition.op == "not_in":
        return lambda actual, _: actual not in value
    compare = COMPARISONS[str(condition.op)]
    return lambda actual, _: bool(compare(actual, value))


def list_names(rules: Sequence[Rule]) -> list[str]:
    """Return the lists that rules look at."""
    named = {each.listed_in for rule in rules for each in rule.when if each.listed_in is not None}
    return sorted(named)
