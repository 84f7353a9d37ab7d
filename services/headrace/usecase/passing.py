"""Whether an event passes its checks, and no more: nearly every event passes all of them."""

from collections.abc import Mapping
from typing import Any


class Test:
    """Tests the values of one field."""

    def __init__(self, field: str, *, nullable: bool) -> None:
        self.field = field
        self.nullable = nullable

    def passes(self, value: Any) -> bool:
        """Tell whether a value that is not null passes."""
        raise NotImplementedError


class OneOf(Test):
    """A value must be one of some texts."""

    def __init__(self, field: str, texts: frozenset[str], *, nullable: bool) -> None:
        super().__init__(field, nullable=nullable)
        self._texts = texts

    def passes(self, value: Any) -> bool:
        """Tell whether it is."""
        return value in self._texts


class ShortText(Test):
    """A text must not be empty, nor too long."""

    def __init__(self, field: str, most: int, *, nullable: bool) -> None:
        super().__init__(field, nullable=nullable)
        self._most = most
        """In characters."""

    def passes(self, value: Any) -> bool:
        """Tell whether it is not."""
        return 0 < len(value) <= self._most


class Within(Test):
    """A number must lie between two; NaN lies nowhere."""

    def __init__(self, field: str, low: float, high: float, *, nullable: bool) -> None:
        super().__init__(field, nullable=nullable)
        self._low: Any = low  # as they are: an integer is compared exactly
        self._high: Any = high

    def passes(self, value: Any) -> bool:
        """Tell whether it does."""
        return bool(self._low <= value <= self._high)


class Passing:
    """Tells whether events pass.

    Parameters
    ----------
    tests
        In their order.
    time
        The field with the event time in milliseconds; its test says that it is not null.
    future_skew_ms
        How far ahead of the clock an event time may be.
    """

    def __init__(self, tests: list[Test], time: str, future_skew_ms: int) -> None:
        self._tests = tests
        self._time = time
        self._future_skew_ms = future_skew_ms

    def passes(self, record: Mapping[str, Any], now_ms: int) -> bool:
        """Tell whether an event that is read at ``now_ms`` passes every test."""
        for test in self._tests:
            value = record[test.field]
            if not (test.nullable if value is None else test.passes(value)):
                return False
        return bool(record[self._time] - now_ms <= self._future_skew_ms)
