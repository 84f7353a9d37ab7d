"""Learning anew from what the events are held to be in the end, rather than as it became known."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from headrace.errors import HeadraceError
from headrace.learning.standing import Standing, take_or_fault
from headrace.usecase.charter import Charter
from headrace.usecase.learning import Learning
from headrace.usecase.problems import unknown


class Retraining:
    """The log of outcomes, gone through twice: what each event is in the end, then learning.

    Of each decision its last outcome counts, in the place of its first: so what is learned has the
    order in which the log was learned as it came, and only the answers differ. What nobody knows in
    the end is not learned from. Between the two, a decision takes its id's memory and nothing more.

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
        self.standing = Standing(charter)
        """What was learned."""
        self.until = 0
        """The offset after the last outcome that was looked at."""
        self.decisions = 0
        self.corrected = 0
        """Outcomes that said otherwise than the one before."""
        self.censored = 0
        """Decisions of which nobody knows in the end."""
        self.passed_over = Counter[str]()
        """Decisions that were not learned from for another reason, by the reason."""
        self._final: dict[str, bool | None] = {}
        """By decision, those that were not learned from yet."""

    def look(self, record: Mapping[str, Any], offset: int) -> None:
        """Note what a decided event is held to be; to be done with all before any is learned."""
        decision, value = record["decision_id"], record["value"]
        if decision not in self._final:
            self.decisions += 1
        elif self._final[decision] is not value:
            self.corrected += 1
        self._final[decision] = value
        self.until = offset + 1

    def learn(self, record: Mapping[str, Any], offset: int) -> None:
        """Learn from an outcome that was looked at, where it is the first of its decision."""
        decision = record["decision_id"]
        if decision in self._final:
            value = self._final.pop(decision)
            if value is None:
                self.censored += 1
            else:
                self._take({**record, "value": value}, offset)
        self.standing.position = offset + 1

    def _take(self, record: Mapping[str, Any], offset: int) -> None:
        taken = take_or_fault(self.standing, record, offset)
        if why_not := taken if isinstance(taken, str) else taken.passed_over:
            self.passed_over[why_not] += 1


def narrowed(charter: Charter, names: Collection[str] | None) -> Charter:
    """Return the charter as if it declared some models only, and those that they are the means of.

    Parameters
    ----------
    names
        At least one; None for all models.

    Raises
    ------
    HeadraceError
        The charter learns nothing, or declares no such model.
    """
    learning = charter.learning
    if learning is None:
        raise HeadraceError(
            f"The charter {charter.name} learns nothing.", fix="Declare [learning]."
        )
    if names is None:
        return charter
    for name in names:
        if name not in learning.models:
            raise HeadraceError(f"{unknown('model', name, learning.models)}.")
    wanted = {*names}.union(*(learning.models[name].mean_of for name in names))
    fewer = Learning(
        champion=learning.champion if learning.champion in wanted else min(names),
        negatives_share=learning.negatives_share,
        freeze_every=learning.freeze_every,
        models={name: each for name, each in learning.models.items() if name in wanted},
    )
    return charter.model_copy(update={"learning": fewer})
