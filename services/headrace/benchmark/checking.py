"""The correctness check, the same for every contestant: who fails it gets no number."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from headrace.benchmark.course import Course
from headrace.benchmark.expected import Expected
from headrace.benchmark.outputs import Place, Written, events, written
from headrace.errors import HeadraceError

_CLOSE = 1e-9

Wanted = Callable[[bytes], Expected | None]
"""Returns what must come out where the model of a digest decides; None where it must not."""


@dataclass
class _Found:
    """What a model decided, in the order of the decisions."""

    rows: list[int] = field(default_factory=list)
    features: list[list[float]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)


def check(course: Course, values: Mapping[bytes, int], wanted: Wanted) -> dict[bytes, int]:
    """Hold a contestant's output to the input: one decision and one audit record for each event.

    Parameters
    ----------
    values
        Place in the input by an event's bytes.
    wanted
        Tells what must come out.

    Returns
    -------
    How many decisions each model made, by its digest.

    Raises
    ------
    HeadraceError
        Something is missing, too much or wrong; names the first.
    """
    read = events(course)
    rows = {place: values[value] for place, value in read.items()}
    if len(rows) != len(values):
        raise _wrong(course, f"{len(rows)} events were published, not {len(values)}")
    digests, by_model = _decisions(course, rows)
    for model, found in by_model.items():
        right = wanted(model)
        if right is None:
            raise _wrong(course, f"a model that does not serve, {model.hex()}, has decided")
        _check_decided(course, found, right)
    _check_audits(course, read, digests)
    return {model: len(found.rows) for model, found in by_model.items()}


def _decisions(
    course: Course, rows: Mapping[Place, int]
) -> tuple[dict[Place, bytes], dict[bytes, _Found]]:
    """Return the digests of all decisions' bytes, and what each model decided."""
    digests, by_model = dict[Place, bytes](), defaultdict[bytes, _Found](_Found)
    for each in written(course, "decisions"):
        if each.place in digests or each.place not in rows:
            raise _wrong(course, f"the event at {each.place} has two decisions, or is none")
        digests[each.place] = each.digest
        found = by_model[each.record["model_digest"]]
        found.rows.append(rows[each.place])
        found.features.append(each.record["features"])
        found.scores.append(each.record["score"])
        found.actions.append(each.record["action"])
    if len(digests) != len(rows):
        raise _wrong(course, f"{len(digests)} decisions, not {len(rows)}")
    return digests, by_model


def _check_decided(course: Course, found: _Found, wanted: Expected) -> None:
    for name, numbers, right in (
        ("features", np.array(found.features), wanted.features[found.rows]),
        ("score", np.array(found.scores), wanted.scores[found.rows]),
    ):
        close = np.isclose(numbers, right, rtol=_CLOSE, atol=_CLOSE)
        if not close.all():
            row = int(np.argwhere(~close)[0][0])
            raise _wrong(course, f"{name} {numbers[row]}, not {right[row]}")
    actions = wanted.actions[found.rows]
    differing = np.flatnonzero(np.array(found.actions) != actions)
    if len(differing):
        row = int(differing[0])
        raise _wrong(course, f"action {found.actions[row]}, not {actions[row]}")


def _check_audits(
    course: Course, read: Mapping[Place, bytes], decisions: Mapping[Place, bytes]
) -> None:
    seen: set[Place] = set()
    for each in written(course, "audits"):
        if each.place in seen or each.place not in read:
            raise _wrong(course, f"the event at {each.place} has two audit records, or is none")
        seen.add(each.place)
        _check_audit(course, each, read[each.place], decisions[each.place])
    if len(seen) != len(read):
        raise _wrong(course, f"{len(seen)} audit records, not {len(read)}")


def _check_audit(course: Course, audit: Written, event: bytes, decision: bytes) -> None:
    record = audit.record
    if record["kind"] != "decision" or record["decision_sha256"] != decision:
        raise _wrong(course, f"the audit record of {audit.place} is not about its decision")
    if record["input_sha256"] != sha256(event).digest():
        raise _wrong(course, f"the audit record of {audit.place} is not about its event")


def _wrong(course: Course, what: str) -> HeadraceError:
    return HeadraceError(
        f"The output of {course.name} is wrong: {what}.", fix=f"See {course.path}."
    )
