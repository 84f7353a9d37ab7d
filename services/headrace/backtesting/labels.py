"""What becomes known of recorded events, and when: by the rules of labelling."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from headrace.errors import HeadraceError
from headrace.labelling.domain import Case, Decision, Label, Labelling, Refused
from headrace.usecase.charter import Charter
from headrace.usecase.labels import Labels, LabelSource

T = TypeVar("T")


class Known(NamedTuple, Generic[T]):
    """What a recorded event is held to be from now on."""

    row: int
    what: T
    """What was kept of it until now."""
    value: bool | None
    """Positive or not; None where nobody can tell any more."""
    at_ms: int
    """Since when."""
    source: str
    """By whose word."""
    was_positive: bool = False
    """Whether it was held to be positive before."""


@dataclass(slots=True)
class _Subject(Generic[T]):
    """An event of which something will be known."""

    what: T
    case: Case


class _Pending(NamedTuple, Generic[T]):
    """Something that will be known; sorted by when, then by the order of the events."""

    due_ms: int
    row: int
    number: int
    """Of all that will be known of the event; the horizon's is the last."""
    says: Label | None
    """None is that the horizon has passed."""
    subject: _Subject[T]


class Truth(Generic[T]):
    """Tells of each event what it was, as soon as that is known, and again where that changes.

    A label counts from when it was observed. What is kept of an event is let go with the last that
    can be said of it.

    Parameters
    ----------
    charter
        Who says what events were, and until when.
    """

    def __init__(self, charter: Charter) -> None:
        labels = charter.labels
        self._labelling = Labelling(labels, charter.events.lateness_ms)
        self.soonest_ms = min(
            labels.horizon_ms, *(source.delay_ms for source in _first(labels).values())
        )
        """How long after an event something of it is usually known at the earliest."""
        self._heap: list[_Pending[T]] = []

    def add(self, row: int, what: T, decision: Decision, labels: Sequence[Label]) -> None:
        """Take in an event that was decided, and all labels that it will have.

        Those of sources that cannot speak of such a decision are passed over.
        """
        subject = _Subject(what, Case())
        self._labelling.decide(subject.case, decision)
        for number, label in enumerate(labels):
            if self._labelling.can_speak(label.source, decision):
                pending = _Pending(label.observed_at_ms, row, number, label, subject)
                heapq.heappush(self._heap, pending)
        due_ms = self._labelling.due_ms(decision)
        heapq.heappush(self._heap, _Pending(due_ms, row, len(labels), None, subject))

    def known(self, until_ms: int) -> list[Known[T]]:
        """Take out what is known by then, in the order in which it became so."""
        known = []
        while self._heap and self._heap[0].due_ms <= until_ms:
            due_ms, row, _, says, subject = heapq.heappop(self._heap)
            case, told = subject.case, subject.case.told
            was_positive = told is not None and told.value is True
            try:
                if says is None:
                    verdict = self._labelling.mature(case, due_ms)
                else:
                    verdict = self._labelling.hear(case, says)
            except Refused:  # it contradicts what its source has said with the same revision
                continue
            if verdict is not None:
                value, source = verdict.value, verdict.source
                known.append(Known(row, subject.what, value, due_ms, source, was_positive))
        return known


class OneSource:
    """The labels of a recording that says what its events were, and not who told.

    So one source tells of the positives, after its delay; of the others nobody speaks.

    Parameters
    ----------
    labels
        With one source, those that correct aside.

    Raises
    ------
    HeadraceError
        There is another number of sources.
    """

    def __init__(self, labels: Labels) -> None:
        sources = _first(labels)
        if len(sources) != 1:
            raise HeadraceError(
                f"The charter has {len(sources)} sources of labels, and a recording has one.",
                fix="Declare one source under [labels.sources], those that correct aside.",
            )
        ((self._source, source),) = sources.items()
        self._delay_ms = source.delay_ms

    def labels_of(self, time_ms: int, *, is_positive: bool) -> tuple[Label, ...]:
        """Return the labels of an event of that time."""
        if not is_positive:
            return ()
        return (Label(self._source, True, time_ms + self._delay_ms, 1),)


def _first(labels: Labels) -> dict[str, LabelSource]:
    """Return the sources that do not only correct others."""
    return {name: source for name, source in labels.sources.items() if not source.corrects}
