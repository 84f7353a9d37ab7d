"""What is remembered of a window's events."""

import pickle
import random

import pytest

from headrace.evaluating.rows import Row, Rows, digest_of


def row(event: int, value: int = 1, level: int = 7) -> Row:
    return Row(event, 0, value, True, -5, 10**15, (level, -level))


@pytest.mark.parametrize("seed", range(5))
def test_the_latest_row_of_each_event_is_kept_however_many_there_are(seed):
    rnd = random.Random(seed)
    rows, kept = Rows(2), {}
    for number in range(5_000):
        event = digest_of(str(rnd.randrange(2_000)))
        known = rows.levels(event)
        assert known == (kept[event].levels if event in kept else None)
        kept[event] = row(event, number % 2, number)
        rows.put(kept[event])
    assert [tuple(each)[:6] for each in rows.table().tolist()] == [
        tuple(kept[event])[:6] for event in sorted(kept)
    ]


def test_the_order_in_which_events_came_is_forgotten():
    one, other = Rows(2), Rows(2)
    events = [digest_of(str(n)) for n in range(700)]
    for event in events:
        one.put(row(event))
    for event in reversed(events):
        other.put(row(event))
    assert one.table().tobytes() == other.table().tobytes()


@pytest.mark.parametrize("models", [0, 5])
def test_an_event_takes_35_bytes_and_2_for_each_model(models):
    rows = Rows(models)
    for event in range(10_000):
        rows.put(Row(event, 0, 1, True, 1, 2, (3,) * models))
    rows.table()
    assert len(pickle.dumps(rows)) / 10_000 == pytest.approx(35 + 2 * models, abs=0.2)
