"""What an event turned out to be, as far as it is known by now; no Kafka, no clock.

Decision and labels of an event may come in any order: what follows is the same. Time is told from
outside and moves only when both inputs have come so far, so that a label that waits unread is never
overtaken by the horizon.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from headrace.usecase.labels import CENSORED, MATURED, Labels
from headrace.usecase.policy import Action

Refusal = Literal["unknown_source", "cannot_speak", "label_conflict"]


class Label(NamedTuple):
    """What a source says."""

    source: str
    value: bool
    observed_at_ms: int
    revision: int
    """Counts what this source has said of the event, from 1; the highest holds."""


class Decision(NamedTuple):
    """What was decided."""

    action: Action
    acted: bool
    """Not so in shadow: the event went through, whatever the action."""
    at_ms: int
    """Event time."""


class Verdict(NamedTuple):
    """What an event is held to be from now on."""

    value: bool | None
    """None where it is censored."""
    source: str
    """Who says so, ``MATURED`` or ``CENSORED``."""
    known_at_ms: int
    """Since when, in event time."""


class Refused(Exception):
    """A label that does not count."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(slots=True)
class Case:
    """What is known of one event."""

    decided: Decision | None = None
    labels: dict[str, Label] = field(default_factory=dict)
    """By source, its latest revision."""
    told: Verdict | None = None
    """The latest verdict."""


class Labelling:
    """The rules of a use case.

    Parameters
    ----------
    labels
        Who says what an event was, and until when.
    lateness_ms
        An event that late, and its labels, are still waited for when the horizon has passed.
    """

    def __init__(self, labels: Labels, lateness_ms: int) -> None:
        self._sources = labels.sources
        self._wait_ms = labels.horizon_ms + lateness_ms

    def due_ms(self, decided: Decision) -> int:
        """Return when an event is held to be good, or to be censored, if nobody has spoken."""
        return decided.at_ms + self._wait_ms

    def decide(self, case: Case, decided: Decision) -> Verdict | None:
        """Take in the decision; return the verdict, if a label has waited for it.

        Labels of sources that cannot speak of such a decision are forgotten.
        """
        case.decided = decided
        for source in [each for each in case.labels if not self.can_speak(each, decided)]:
            del case.labels[source]
        return self._told(case, _latest(case))

    def hear(self, case: Case, label: Label) -> Verdict | None:
        """Take in a label; return the verdict where it changes, and a decision is known.

        An earlier revision than the one that is known, or the same again, changes nothing.

        Raises
        ------
        Refused
            The source is unknown or cannot speak of such a decision, or has said otherwise with
            the same revision.
        """
        if label.source not in self._sources:
            raise Refused("unknown_source", f"the charter has no source {label.source}")
        if case.decided is not None and not self.can_speak(label.source, case.decided):
            detail = f"{label.source} cannot speak of what was to {case.decided.action}"
            raise Refused("cannot_speak", detail)
        known = case.labels.get(label.source)
        if known is not None and known.revision >= label.revision:
            if known.revision == label.revision and known.value != label.value:
                detail = f"{label.source} has said otherwise with revision {label.revision}"
                raise Refused("label_conflict", detail)
            return None
        case.labels[label.source] = label
        return None if case.decided is None else self._told(case, _latest(case))

    def mature(self, case: Case, until_ms: int) -> Verdict | None:
        """Return the verdict on an event of which nobody has spoken until its time was over."""
        decided = case.decided
        if decided is None or case.told is not None or self.due_ms(decided) > until_ms:
            return None
        went_through = decided.action == "approve" or not decided.acted
        value, source = (False, MATURED) if went_through else (None, CENSORED)
        return self._told(case, Verdict(value, source, self.due_ms(decided)))

    def can_speak(self, source: str, decided: Decision) -> bool:
        """Tell whether a source can know what became of an event that was decided so."""
        if source not in self._sources:  # the charter has changed
            return False
        actions = self._sources[source].actions
        return not actions or not decided.acted or decided.action in actions

    @staticmethod
    def _told(case: Case, verdict: Verdict | None) -> Verdict | None:
        """Remember a verdict, and return it where it says something new."""
        if verdict is None or (case.told is not None and case.told.value == verdict.value):
            return None
        case.told = verdict
        return verdict


def _latest(case: Case) -> Verdict | None:
    """Return what the label says that was observed last; of several at once, the last by name."""
    if not case.labels:
        return None
    last = max(case.labels.values(), key=lambda label: (label.observed_at_ms, label.source))
    return Verdict(last.value, last.source, last.observed_at_ms)
