"""What a verification says in the end."""

from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple

from headrace.verification.balance import Balance
from headrace.verification.checks import Check, Offender

Verdict = Literal["PASS", "FAIL", "ALLOWED"]


class Result(NamedTuple):
    """One check's outcome."""

    check: Check
    promise: str
    checked: int
    offenders: int
    verdict: Verdict
    first: Offender | None
    """The offender in the lowest partition, and there at the lowest offset."""


@dataclass(frozen=True, slots=True)
class Report:
    """Every check's outcome, the balance sheet, and what was not judged."""

    use_case: str
    results: list[Result]
    balance: Balance
    pending: int
    """Events at or past the committed offset."""
    in_motion: int
    """Events that were committed while the topics were read: not judged."""
    older: int
    """Records that lack what belonged to them, because it is no longer kept: not judged."""

    @property
    def passed(self) -> bool:
        """Whether nothing fails."""
        return all(result.verdict != "FAIL" for result in self.results)

    def as_json(self) -> dict[str, object]:
        """Return the report as plain values."""
        return {
            "use_case": self.use_case,
            "passed": self.passed,
            "checks": [_result_as_json(result) for result in self.results],
            "balance": asdict(self.balance),
            "pending": self.pending,
            "in_motion": self.in_motion,
            "older": self.older,
        }


def _result_as_json(result: Result) -> dict[str, object]:
    first = result.first
    offender = None
    if first is not None:
        offender = first.place._asdict() | {"expected": first.expected, "found": first.found}
    return result._asdict() | {"first": offender}
