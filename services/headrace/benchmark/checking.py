"""The correctness check, the same for every contestant: who fails it gets no number."""

from collections.abc import Mapping
from hashlib import sha256

import numpy as np

from headrace.benchmark.course import Course
from headrace.benchmark.expected import Expected
from headrace.benchmark.outputs import Place, Written, events, written
from headrace.errors import HeadraceError

_CLOSE = 1e-9


def check(course: Course, values: Mapping[bytes, int], wanted: Expected) -> None:
    """Hold a contestant's output to the input: one decision and one audit record for each event.

    Parameters
    ----------
    values
        Place in the input by an event's bytes.
    wanted
        What must come out.

    Raises
    ------
    HeadraceError
        Something is missing, too much or wrong; names the first.
    """
    read = events(course)
    rows = {place: values[value] for place, value in read.items()}
    if len(rows) != len(values):
        raise _wrong(course, f"{len(rows)} events were published, not {len(values)}")
    digests = _check_decisions(course, rows, wanted)
    _check_audits(course, read, digests)


def _check_decisions(
    course: Course, rows: Mapping[Place, int], wanted: Expected
) -> dict[Place, bytes]:
    """Check every decision, and return the digests of their bytes."""
    digests: dict[Place, bytes] = {}
    order, features, scores, actions = list[int](), list[list[float]](), list[float](), list[str]()
    for each in written(course, "decisions"):
        if each.place in digests or each.place not in rows:
            raise _wrong(course, f"the event at {each.place} has two decisions, or is none")
        digests[each.place] = each.digest
        order.append(rows[each.place])
        features.append(each.record["features"])
        scores.append(each.record["score"])
        actions.append(each.record["action"])
    if len(digests) != len(rows):
        raise _wrong(course, f"{len(digests)} decisions, not {len(rows)}")
    for name, found, right in (
        ("features", np.array(features), wanted.features[order]),
        ("score", np.array(scores), wanted.scores[order]),
    ):
        close = np.isclose(found, right, rtol=_CLOSE, atol=_CLOSE)
        if not close.all():
            row = int(np.argwhere(~close)[0][0])
            raise _wrong(course, f"{name} {found[row]}, not {right[row]}")
    differing = np.flatnonzero(np.array(actions) != wanted.actions[order])
    if len(differing):
        row = int(differing[0])
        raise _wrong(course, f"action {actions[row]}, not {wanted.actions[order][row]}")
    return digests


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
