"""Those who watch scoring: when they were done with each record, and whether none is missing."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from headrace.benchmark import where
from headrace.benchmark.expected import expected
from headrace.benchmark.outputs import Stamped
from headrace.benchmark.payments import growing
from headrace.benchmark.watching import require_all, taken_in_ms
from headrace.errors import HeadraceError
from headrace.usecase.charter import Charter

PAYMENTS = growing(40, 1)


def course():
    charter = Charter.load(Path(where.charter()))
    return SimpleNamespace(name="bench", charter=charter, topic=lambda plural: f"bench.{plural}")


def sketch(plural, records, counts=None, sums=None):
    return Stamped(
        0,
        0,
        {
            "source_topic": f"bench.{plural}",
            "records": records,
            "counts": [{"name": name, "records": n} for name, n in (counts or {}).items()],
            "histograms": [{"name": name, "sum": total} for name, total in (sums or {}).items()],
        },
    )


def sketches():
    """Of all events, and of all decisions as they must be."""
    wanted = expected(PAYMENTS, course().charter)
    actions = Counter(f"action/{action}" for action in wanted.actions.tolist())
    columns = np.column_stack([wanted.features, wanted.scores]).sum(axis=0).tolist()
    names = [*course().charter.feature_set.names, "score"]
    sums = dict(zip(names, columns, strict=True))
    events = [sketch("events", 30), sketch("events", 10)]
    return [*events, sketch("decisions", 40, actions, sums)]


def test_sketches_that_come_to_all_records_are_right():
    require_all(sketches(), course(), PAYMENTS)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_sketch_that_is_missing_or_there_twice_is_noticed(which):
    told = sketches()
    for wrong in ([*told, told[which]], [*told[:which], *told[which + 1 :]]):
        with pytest.raises(HeadraceError, match="do not come to its 40 events"):
            require_all(wrong, course(), PAYMENTS)


def test_a_value_that_is_in_no_histogram_is_noticed():
    told = sketches()
    told[2].record["histograms"][0]["sum"] -= 1
    with pytest.raises(HeadraceError):
        require_all(told, course(), PAYMENTS)


def test_a_sketch_is_taken_in_when_the_first_change_is_written_that_reflects_it():
    told = [Stamped(offset, 0, {}) for offset in (0, 1, 3, 4, 6)]
    changes = [
        Stamped(number, at_ms, {"offset": offset})
        for number, (offset, at_ms) in enumerate([(1, 10), (1, 11), (4, 20), (6, 30)])
    ]
    assert taken_in_ms(told, changes) == [10, 10, 20, 20, 30]
    with pytest.raises(HeadraceError, match="does not reflect all"):
        taken_in_ms(told, changes[:3])
