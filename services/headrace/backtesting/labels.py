"""What becomes known of recorded events, and when: by the rules of labelling."""

import heapq
from typing import NamedTuple

from headrace.errors import HeadraceError
from headrace.labelling.domain import Case, Decision, Label, Labelling
from headrace.usecase.charter import Charter


class Known(NamedTuple):
    """What a recorded event is held to be."""

    row: int
    value: bool | None
    """Positive or not; None where nobody can tell any more."""
    at_ms: int
    """Since when."""


class _Pending(NamedTuple):
    """Something that will be known; sorted by when, then by the order of the events."""

    due_ms: int
    row: int
    says: Label | None
    """None is that the horizon has passed."""


class Truth:
    """Tells of each event what it was, once that can be known.

    A recording says what an event was, and not who told. So one source tells of the positives,
    after its delay; of the others nobody speaks.

    Parameters
    ----------
    charter
        With one source of labels, those that correct aside.

    Raises
    ------
    HeadraceError
        It has another number of sources.
    """

    def __init__(self, charter: Charter) -> None:
        labels = charter.labels
        sources = [name for name, source in labels.sources.items() if not source.corrects]
        if len(sources) != 1:
            raise HeadraceError(
                f"The charter has {len(sources)} sources of labels, and a recording has one.",
                fix="Declare one source under [labels.sources], those that correct aside.",
            )
        (self._source,) = sources
        self._delay_ms = labels.sources[self._source].delay_ms
        self._labelling = Labelling(labels, charter.events.lateness_ms)
        self.soonest_ms = min(self._delay_ms, labels.horizon_ms)
        """How long after an event something of it can be known at the earliest."""
        self._cases: dict[int, Case] = {}
        self._heap: list[_Pending] = []

    def add(self, row: int, decision: Decision, *, is_positive: bool) -> None:
        """Take in an event that was decided."""
        case = self._cases[row] = Case()
        self._labelling.decide(case, decision)
        if is_positive and self._labelling.can_speak(self._source, decision):
            due_ms = decision.at_ms + self._delay_ms
            label = Label(self._source, value=True, observed_at_ms=due_ms, revision=1)
            heapq.heappush(self._heap, _Pending(due_ms, row, label))
        heapq.heappush(self._heap, _Pending(self._labelling.due_ms(decision), row, None))

    def known(self, until_ms: int) -> list[Known]:
        """Take out what is known by then, in the order in which it became so."""
        known = []
        while self._heap and self._heap[0].due_ms <= until_ms:
            due_ms, row, says = heapq.heappop(self._heap)
            case = self._cases[row]
            if says is None:
                verdict = self._labelling.mature(case, due_ms)
                del self._cases[row]
            else:
                verdict = self._labelling.hear(case, says)
            if verdict is not None:
                known.append(Known(row, verdict.value, due_ms))
        return known
