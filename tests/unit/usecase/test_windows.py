"""A key's history: windows, forgetting, slots, duplicates, restoring."""

import random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.usecase.windows import HistoryFormat, KeyHistory, id_digest

SPANS = (5, 10, 30)
LATENESS = 20
RETENTION = 50
PAYLOAD = b"payload8"

steps = st.lists(st.tuples(st.integers(-30, 15), st.integers(-100, 100)), max_size=80)
"""Each event's time from the latest so far, and its amount."""
punctual = st.lists(st.tuples(st.integers(-LATENESS, 15), st.integers(-100, 100)), max_size=80)
"""As above, no event later than the lateness."""


class Arrival(NamedTuple):
    time: int
    amount: int
    offset: int
    latest: int
    """The latest time when it arrived."""


def arrivals_of(
    steps: list[tuple[int, int]], start: int = 0, first_offset: int = 0
) -> list[Arrival]:
    arrivals: list[Arrival] = []
    latest = start
    for offset, (step, amount) in enumerate(steps, first_offset):
        time = latest + step if arrivals else start
        latest = max(latest, time)
        arrivals.append(Arrival(time, amount, offset, latest))
    return arrivals


def add(history: KeyHistory, arrival: Arrival) -> tuple[int, int, bytes]:
    event_id = id_digest(f"event-{arrival.offset}")
    return history.add(arrival.time, arrival.amount, arrival.offset, event_id, PAYLOAD)


def oracle(among: list[Arrival], event: Arrival) -> list[int]:
    """Count and sum in (t - w, t], by the definition."""
    measured = []
    for span in SPANS:
        inside = [a.amount for a in among if event.time - span < a.time <= event.time]
        measured += [len(inside), sum(inside)]
    return measured


def history_of(arrivals: list[Arrival]) -> tuple[KeyHistory, list[tuple[int, bytes]]]:
    """Add everything, and return the history and its changes."""
    history = KeyHistory(RETENTION)
    changes = []
    for arrival in arrivals:
        _, slot, body = add(history, arrival)
        changes.append((slot, body))
    return history, changes


@given(punctual)
def test_an_event_no_later_than_the_lateness_finds_its_windows_whole(steps) -> None:
    arrivals = arrivals_of(steps)
    history = KeyHistory(RETENTION)
    for place, arrival in enumerate(arrivals):
        index, _, _ = add(history, arrival)
        assert history.windows(index, SPANS) == oracle(arrivals[: place + 1], arrival)


@given(steps)
def test_windows_hold_what_is_kept_of_their_span_whatever_the_order(steps) -> None:
    arrivals = arrivals_of(steps)
    history = KeyHistory(RETENTION)
    for place, arrival in enumerate(arrivals):
        index, _, _ = add(history, arrival)
        due = arrival.latest - RETENTION
        kept = [a for a in arrivals[: place + 1] if a.latest > due]
        assert [entry.offset for _, entry in history] == [
            a.offset for a in sorted(kept, key=lambda a: (a.time, a.offset))
        ]
        assert history.windows(index, SPANS) == oracle(kept, arrival)


@given(punctual, st.data())
def test_out_of_order_within_the_lateness_gives_what_follows_the_same_as_a_sorted_replay(
    steps, data
) -> None:
    arrivals = arrivals_of(steps)
    cut = data.draw(st.integers(0, len(arrivals)))
    as_arrived, _ = history_of(arrivals[:cut])
    in_order, _ = history_of(sorted(arrivals[:cut], key=lambda a: (a.time, a.offset)))
    for arrival in arrivals[cut:]:
        in_one, _, _ = add(as_arrived, arrival)
        in_other, _, _ = add(in_order, arrival)
        assert as_arrived.windows(in_one, SPANS) == in_order.windows(in_other, SPANS)


def test_a_window_leaves_out_its_start_and_takes_in_its_end() -> None:
    history, _ = history_of([Arrival(0, 1, 0, 0), Arrival(1, 10, 1, 1), Arrival(1, 100, 2, 1)])
    index, _, _ = add(history, Arrival(5, 1_000, 3, 5))
    assert history.windows(index, (5, 4)) == [3, 1_110, 1, 1_000]


def test_of_events_at_the_same_time_a_window_holds_those_that_arrived_before() -> None:
    history = KeyHistory(RETENTION)
    ends = [add(history, Arrival(7, amount, offset, 7)) for offset, amount in enumerate((1, 2, 4))]
    assert [history.windows(index, (1,)) for index, _, _ in ends] == [[1, 1], [2, 3], [3, 7]]


def test_sums_are_exact_where_floats_are_not() -> None:
    history = KeyHistory(RETENTION)
    add(history, Arrival(0, 2**53, 0, 0))
    index, _, _ = add(history, Arrival(1, 1, 1, 1))
    assert history.windows(index, (5,)) == [2, 2**53 + 1]


@given(steps, st.randoms(use_true_random=False))
def test_the_compacted_changelog_in_any_order_restores_the_live_history(steps, chance) -> None:
    live, changes = history_of(arrivals_of(steps))
    compacted = list(dict(changes).items())
    chance.shuffle(compacted)
    restored = HistoryFormat(RETENTION).empty()
    for slot, body in compacted:
        HistoryFormat(RETENTION).apply(restored, slot, body)
    assert restored == live
    assert restored.latest_ms == live.latest_ms
    for arrival in arrivals_of(steps, (live.latest_ms or 0) + 3, first_offset=len(steps)):
        in_one, *change = add(restored, arrival)
        in_other, *same = add(live, arrival)
        assert change == same
        assert restored.windows(in_one, SPANS) == live.windows(in_other, SPANS)
    assert restored == live


@given(steps, st.randoms(use_true_random=False))
def test_entries_not_yet_compacted_away_and_repeated_ones_restore_the_same(steps, chance) -> None:
    live, changes = history_of(arrivals_of(steps))
    compacted = set(dict(changes).items())
    log = [c for c in changes if c in compacted or chance.random() < 0.5]
    log += chance.sample(log, len(log) // 2)
    chance.shuffle(log)
    restored = KeyHistory(RETENTION)
    for slot, body in log:
        restored.restore(slot, body)
    assert restored == live


def test_what_the_live_history_forgot_stays_forgotten_in_whatever_order_it_is_restored() -> None:
    live, changes = history_of(
        [Arrival(100, 1, 0, 100), Arrival(90, 1, 1, 100), Arrival(100 + RETENTION, 1, 2, 150)]
    )
    assert [entry.offset for _, entry in live] == [2]
    restored = KeyHistory(RETENTION)
    for slot, body in reversed(changes):
        restored.restore(slot, body)
    assert restored == live


@given(steps)
def test_slots_are_never_more_than_the_longest_live_history(steps) -> None:
    history = KeyHistory(RETENTION)
    longest = 0
    for arrival in arrivals_of(steps):
        _, slot, _ = add(history, arrival)
        longest = max(longest, len(history))
        assert slot < longest
        slots = [slot for slot, _ in history]
        assert len(set(slots)) == len(slots)


@given(steps, st.data())
def test_a_copy_shares_nothing_with_what_it_was_copied_from(steps, data) -> None:
    arrivals = arrivals_of(steps)
    cut = data.draw(st.integers(0, len(arrivals)))
    history, _ = history_of(arrivals[:cut])
    before = list(history)
    copy = HistoryFormat(RETENTION).copy(history)
    assert copy == history
    for arrival in arrivals[cut:]:
        add(copy, arrival)
    assert list(history) == before
    assert copy == history_of(arrivals)[0]


def test_a_late_entry_is_known_as_long_as_one_that_arrived_with_it() -> None:
    history, _ = history_of([Arrival(100, 1, 0, 100), Arrival(10, 1, 1, 100)])
    late, punctual = id_digest("event-1"), id_digest("event-0")
    add(history, Arrival(100 + RETENTION - 1, 1, 2, 100 + RETENTION - 1))
    assert history.find(late, 10, 5) is not None
    assert history.find(punctual, 100, 5) is not None
    add(history, Arrival(100 + RETENTION, 1, 3, 100 + RETENTION))
    assert history.find(late, 10, 5) is None
    assert history.find(punctual, 100, 5) is None


@given(steps)
def test_an_id_is_found_with_its_offset_and_payload_less_than_the_span_away(steps) -> None:
    arrivals = arrivals_of(steps)
    history, _ = history_of(arrivals)
    kept = {entry.offset for _, entry in history}
    for arrival in arrivals:
        event_id = id_digest(f"event-{arrival.offset}")
        found = history.find(event_id, arrival.time + 4, 5)
        assert (found is not None) == (arrival.offset in kept)
        if found is not None:
            assert (found.offset, found.payload) == (arrival.offset, PAYLOAD)
        assert history.find(event_id, arrival.time + 5, 5) is None
        assert history.find(event_id, arrival.time - 5, 5) is None


def test_an_id_that_comes_again_after_the_span_is_found_by_either() -> None:
    history = KeyHistory(RETENTION)
    event_id = id_digest("again")
    history.add(0, 1, 0, event_id, PAYLOAD)
    history.add(30, 1, 1, event_id, PAYLOAD)
    offsets = [found.offset for t in (2, 28) if (found := history.find(event_id, t, 5))]
    assert offsets == [0, 1]


def test_bytes_that_straddle_two_ids_are_no_id() -> None:
    chance = random.Random(1)
    ids = [chance.randbytes(16) for _ in range(3)]
    history = KeyHistory(RETENTION)
    for offset, event_id in enumerate(ids):
        history.add(0, 1, offset, event_id, PAYLOAD)
    assert history.find((ids[0] + ids[1])[5:21], 0, 5) is None
    assert history.find(ids[2], 0, 5) is not None


def test_a_change_of_another_length_is_refused() -> None:
    with pytest.raises(Exception, match="requires a buffer of 56 bytes"):
        KeyHistory(RETENTION).restore(0, b"short")


def test_a_change_is_56_bytes_whatever_the_history() -> None:
    _, changes = history_of([Arrival(t, 1, t, t) for t in range(200)])
    assert {len(body) for _, body in changes} == {56}
