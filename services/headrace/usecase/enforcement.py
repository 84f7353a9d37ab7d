"""What is done today about each section of a charter, and what is only declared."""

from typing import Final, NamedTuple


class Enforcement(NamedTuple):
    """What becomes of a section."""

    enforced: bool
    """Something acts on it today; otherwise it is declared, for services to come."""
    how: str


def _now(how: str) -> Enforcement:
    return Enforcement(enforced=True, how=how)


def _later(how: str) -> Enforcement:
    return Enforcement(enforced=False, how=how)


SECTIONS: Final = {
    "name": _now("begins the name of every topic and consumer group"),
    "version": _now("is shown; the digest of the file stands in every decision and audit record"),
    "objective": _now("nothing starts without one"),
    "stage": _now("every decision says it; in shadow, that nothing may act on it"),
    "owner": _now("nothing starts without who answers"),
    "events": _now("each event is checked before it is decided; what fails is a dead letter"),
    "features": _now("are computed for each event, live and in replay"),
    "model": _now("decides until something better has been learned"),
    "profiles": _now("are counted by profiling, and measured by scoring as they are published"),
    "learning": _now("models learn from outcomes, and serve once they would cost no more"),
    "drift": _now("is watched; what drifts is told, and has challengers learned anew"),
    "rules": _now("outrank the model, and decide alone where it cannot"),
    "values": _now("the action with the lowest expected cost is taken"),
    "policy": _now("says what is done where the cheapest action is not simply taken"),
    "review_capacity": _now("no more reviews are asked for in a day"),
    "deadline": _now("a later decision is flagged and takes the late action"),
    "alerting": _now("what goes wrong becomes incidents, and people are told of them"),
    "reasons": _now("are given for every decision but a plain approval"),
    "kpis": _later("nothing starts without one; nobody measures them yet"),
    "go_on": _later("must fit the KPIs; nobody acts on them yet"),
    "stop": _later("nothing starts without one; nobody acts on them yet"),
    "labels": _now("labelling joins decisions with labels, until the horizon"),
    "fairness": _later("nothing may decide by these attributes; nobody compares decisions yet"),
    "budget": _later("nothing starts without one; nobody counts the cost yet"),
}
"""By section, in the order in which they are shown."""
