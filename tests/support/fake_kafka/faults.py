"""Faults planned by a test: what goes wrong, in which call, before or after it took effect."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Operation = Literal[
    "abort_transaction",
    "assign",
    "begin_transaction",
    "close",
    "committed",
    "consume",
    "flush",
    "init_transactions",
    "commit_transaction",
    "list_offsets",
    "list_topics",
    "poll",
    "produce",
    "send_offsets_to_transaction",
]
Behaviour = Callable[[Callable[[], Any]], Any]
"""Gets the call as a thunk: does it or not, raises or returns something else."""


class CrashNow(BaseException):
    """The process is gone, as by ``kill -9``: nothing in it runs from here on."""


def refuse(error: Exception) -> Behaviour:
    """Raise instead of doing it."""

    def behave(_: Callable[[], Any]) -> Any:
        raise error

    return behave


def lose_answer(error: Exception) -> Behaviour:
    """Do it and raise all the same."""

    def behave(act: Callable[[], Any]) -> Any:
        act()
        raise error

    return behave


def crash_before() -> Behaviour:
    """Kill the process before it took effect."""

    def behave(_: Callable[[], Any]) -> Any:
        raise CrashNow

    return behave


def crash_after() -> Behaviour:
    """Kill the process when it took effect, before the caller knows."""

    def behave(act: Callable[[], Any]) -> Any:
        act()
        raise CrashNow

    return behave


def meanwhile(happen: Callable[[], object]) -> Behaviour:
    """Let something happen elsewhere just before the call takes effect."""

    def behave(act: Callable[[], Any]) -> Any:
        happen()
        return act()

    return behave


@dataclass(slots=True)
class _Plan:
    operation: Operation
    behaviour: Behaviour
    skip: int
    process: str | None


class Faults:
    """The plans of a test; each strikes once."""

    def __init__(self) -> None:
        self._plans: list[_Plan] = []

    def plan(
        self,
        operation: Operation,
        behaviour: Behaviour,
        *,
        skip: int = 0,
        process: str | None = None,
    ) -> None:
        """Let ``behaviour`` strike a call of ``operation``.

        Parameters
        ----------
        operation
            The method's name.
        behaviour
            What happens in place of the call.
        skip
            How many such calls go well before it strikes.
        process
            Only calls of this process count; of any, if not given.
        """
        self._plans.append(_Plan(operation, behaviour, skip, process))

    def pending(self) -> bool:
        """Say whether a plan has not struck yet."""
        return bool(self._plans)

    def clear(self) -> None:
        """Forget the plans that have not struck."""
        self._plans.clear()

    def run(self, operation: str, process: str, act: Callable[[], Any]) -> Any:
        """Do a call, or what was planned for it."""
        struck: Behaviour | None = None
        for plan in [p for p in self._plans if p.operation == operation]:
            if plan.process not in (None, process):
                continue
            if plan.skip:
                plan.skip -= 1
            elif struck is None:
                struck = plan.behaviour
                self._plans.remove(plan)
        return act() if struck is None else struck(act)
