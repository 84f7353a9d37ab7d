"""A key's history: windows, forgetting, slots, duplicates, restoring."""

import random
from statistics import pstdev
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.usecase.entry import Layout
from headrace.usecase.history import HistoryFormat, KeyHistory, id_digest
from headrace.usecase.windows import (
    Deviations,
    Distinct,
    Largest,
    SecondsSinceLast,
    Windows,
)

SPANS = (5, 10, 30)
LATENESS = 20
RETENTION = 50
PAYLOAD = b"payload8"
WIDE = Layout(fields=("merchant",), squares=True)
ALL = Windows(
    SPANS,
    [
        Deviations((0, 1, 2)),
        Largest((0, 1, 2)),
        Distinct(0, (0, 1, 2)),
        *(SecondsSinceLast(window, -1.0) for window in range(3)),
    ],
)
"""Every aggregate over every window, all of which a wide history has."""

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
    event_id, token = id_digest(f"event-{arrival.offset}"), merchant(arrival).to_bytes(8)
    return history.add(arrival.time, arrival.amount, arrival.offset, event_id, PAYLOAD, token)


def merchant(arrival: Arrival) -> int:
    """Return one of five; 0 is none."""
    return arrival.amount % 6


def measure(history: KeyHistory, index: int) -> list[float]:
    return ALL.measure(history, index)


def oracle(among: list[Arrival], event: Arrival) -> list[float]:
    """Compute every aggregate over (t - w, t] by its definition."""
    until = [a for a in among if (a.time, a.offset) <= (event.time, event.offset)]
    windows = [[a for a in until if event.time - span < a.time] for span in SPANS]
    sums = [each for inside in windows for each in (len(inside), sum(a.amount for a in inside))]
    return [
        *sums,
        *(pstdev([a.amount for a in inside]) for inside in windows),
        *(max(a.amount for a in inside) for inside in windows),
        *(len({merchant(a) for a in inside} - {0}) for inside in windows),
        *(since_last(inside) for inside in windows),
    ]


def since_last(inside: list[Arrival]) -> float:
    times = sorted(a.time for a in inside)
    return (times[-1] - times[-2]) / 1_000 if len(times) > 1 else -1.0


def wide() -> KeyHistory:
    return KeyHistory(RETENTION, WIDE)


def history_of(arrivals: list[Arrival]) -> tuple[KeyHistory, list[tuple[int, bytes]]]:
    """Add everything, and return the history and its changes."""
    history = wide()
    changes = []
    for arrival in arrivals:
        _, slot, body = add(history, arrival)
        changes.append((slot, body))
    return history, changes


@given(punctual)
def test_an_event_no_later_than_the_lateness_finds_its_windows_whole(steps) -> None:
    arrivals = arrivals_of(steps)
    history = wide()
    for place, arrival in enumerate(arrivals):
        index, _, _ = add(history, arrival)
        assert measure(history, index) == pytest.approx(
            oracle(arrivals[: place + 1], arrival), rel=1e-12
        )


@given(steps)
def test_windows_hold_what_is_kept_of_their_span_whatever_the_order(steps) -> None:
    arrivals = arrivals_of(steps)
    history = wide()
    for place, arrival in enumerate(arrivals):
        index, _, _ = add(history, arrival)
        due = arrival.latest - RETENTION
        kept = [a for a in arrivals[: place + 1] if a.latest > due]
        assert [entry.offset for _, entry in history] == [
            a.offset for a in sorted(kept, key=lambda a: (a.time, a.offset))
        ]
        assert measure(history, index) == pytest.approx(oracle(kept, arrival), rel=1e-12)


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
        assert measure(as_arrived, in_one) == measure(in_order, in_other)


def test_a_window_leaves_out_its_start_and_takes_in_its_end() -> None:
    history, _ = history_of([Arrival(0, 1, 0, 0), Arrival(1, 10, 1, 1), Arrival(1, 100, 2, 1)])
    index, _, _ = add(history, Arrival(5, 1_000, 3, 5))
    assert Windows((4, 5)).measure(history, index) == [1, 1_000, 3, 1_110]


def test_of_events_at_the_same_time_a_window_holds_those_that_arrived_before() -> None:
    history = wide()
    ends = [add(history, Arrival(7, amount, offset, 7)) for offset, amount in enumerate((1, 2, 4))]
    windows = Windows((1,))
    assert [windows.measure(history, index) for index, _, _ in ends] == [[1, 1], [2, 3], [3, 7]]


def test_sums_are_exact_where_floats_are_not() -> None:
    history = wide()
    add(history, Arrival(0, 2**53 + 1, 0, 0))
    index, _, _ = add(history, Arrival(5, 1, 1, 5))
    assert Windows((5, 6)).measure(history, index) == [1, 1, 2, 2**53 + 2]


@given(steps, st.randoms(use_true_random=False))
def test_the_compacted_changelog_in_any_order_restores_the_live_history(steps, chance) -> None:
    live, changes = history_of(arrivals_of(steps))
    compacted = list(dict(changes).items())
    chance.shuffle(compacted)
    restored = HistoryFormat(RETENTION, WIDE).empty()
    for slot, body in compacted:
        HistoryFormat(RETENTION, WIDE).apply(restored, slot, body)
    assert restored == live
    assert restored.latest_ms == live.latest_ms
    for arrival in arrivals_of(steps, (live.latest_ms or 0) + 3, first_offset=len(steps)):
        in_one, *change = add(restored, arrival)
        in_other, *same = add(live, arrival)
        assert change == same
        assert measure(restored, in_one) == measure(live, in_other)
    assert restored == live


@given(steps, st.randoms(use_true_random=False))
def test_entries_not_yet_compacted_away_and_repeated_ones_restore_the_same(steps, chance) -> None:
    live, changes = history_of(arrivals_of(steps))
    compacted = set(dict(changes).items())
    log = [c for c in changes if c in compacted or chance.random() < 0.5]
    log += chance.sample(log, len(log) // 2)
    chance.shuffle(log)
    restored = wide()
    for slot, body in log:
        restored.restore(slot, body)
    assert restored == live


def test_what_the_live_history_forgot_stays_forgotten_in_whatever_order_it_is_restored() -> None:
    live, changes = history_of(
        [Arrival(100, 1, 0, 100), Arrival(90, 1, 1, 100), Arrival(100 + RETENTION, 1, 2, 150)]
    )
    assert [entry.offset for _, entry in live] == [2]
    restored = wide()
    for slot, body in reversed(changes):
        restored.restore(slot, body)
    assert restored == live


@given(steps)
def test_slots_are_never_more_than_the_longest_live_history(steps) -> None:
    history = wide()
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
    copy = HistoryFormat(RETENTION, WIDE).copy(history)
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
    history = wide()
    event_id = id_digest("again")
    history.add(0, 1, 0, event_id, PAYLOAD, bytes(8))
    history.add(30, 1, 1, event_id, PAYLOAD, bytes(8))
    offsets = [found.offset for t in (2, 28) if (found := history.find(event_id, t, 5))]
    assert offsets == [0, 1]


def test_bytes_that_straddle_two_ids_are_no_id() -> None:
    chance = random.Random(1)
    ids = [chance.randbytes(16) for _ in range(3)]
    history = wide()
    for offset, event_id in enumerate(ids):
        history.add(0, 1, offset, event_id, PAYLOAD, bytes(8))
    assert history.find((ids[0] + ids[1])[5:21], 0, 5) is None
    assert history.find(ids[2], 0, 5) is not None


def test_a_change_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="5 bytes, not 64"):
        wide().restore(0, b"short")


def test_a_change_is_56_bytes_and_8_for_each_counted_field_whatever_the_history() -> None:
    _, changes = history_of([Arrival(t, 1, t, t) for t in range(200)])
    assert {len(body) for _, body in changes} == {64}
    narrow = KeyHistory(RETENTION)
    bodies = [narrow.add(t, 1, t, id_digest(str(t)), PAYLOAD)[2] for t in range(200)]
    assert {len(body) for body in bodies} == {56}


def test_the_format_tells_apart_what_is_on_the_changelog_and_only_that() -> None:
    layouts = [
        Layout(),
        Layout(fields=("a",)),
        Layout(fields=("b",)),
        Layout(fields=("a", "b")),
        Layout(fields=("b", "a")),
    ]
    versions = [HistoryFormat(RETENTION, layout).version for layout in layouts]
    assert versions[0] == 1
    assert len(set(versions)) == len(versions)
    assert all(0 < version < 2**31 for version in versions)
    computed = Layout(squares=True)
    assert HistoryFormat(RETENTION, computed).version == 1


@given(steps, st.lists(st.integers(0, 3), max_size=40), st.data())
def test_copies_of_copies_never_see_each_other(steps, turns, data) -> None:
    arrivals = arrivals_of(steps)
    families = [(wide(), [])]
    for turn in turns:
        history, added = families[turn % len(families)]
        copy, also = history.copy(), list(added)
        for arrival in data.draw(st.lists(st.sampled_from(arrivals), max_size=5)) if steps else ():
            if arrival not in also:
                add(copy, arrival)
                also.append(arrival)
        families.append((copy, also))
    for history, added in families:
        alone = wide()
        for arrival in added:
            add(alone, arrival)
        assert history == alone
        assert history.latest_ms == alone.latest_ms
        if len(history):
            last = history.end - 1
            assert measure(history, last) == measure(alone, alone.end - 1)


def test_the_largest_and_the_distinct_of_long_windows_are_right_too() -> None:
    chance = random.Random(3)
    history, kept = KeyHistory(10_000, WIDE), []
    spans = (50, 900, 5_000)
    windows = Windows(spans, [Largest((1, 2)), Distinct(0, (2,))])
    for t in range(3_000):
        arrival = Arrival(t, chance.randrange(-500, 500), t, t)
        kept.append(arrival)
        index, _, _ = add(history, arrival)
        if t % 500 == 499:
            assert windows.measure(history, index)[6:] == [
                max(a.amount for a in kept[-900:]),
                max(a.amount for a in kept),
                len({merchant(a) for a in kept} - {0}),
            ]


def test_a_standard_deviation_of_large_amounts_that_hardly_differ_is_exact() -> None:
    history = wide()
    for t, amount in enumerate((10**12, 10**12 + 1, 10**12 + 2, 10**12 + 3)):
        index, _, _ = add(history, Arrival(t, amount, t, t))
    (deviation,) = Windows((30,), [Deviations((0,))]).measure(history, index)[2:]
    assert deviation == pytest.approx(1.25**0.5, rel=1e-15)


def test_what_was_forgotten_does_not_stay_in_memory_for_ever() -> None:
    history = wide()
    for t in range(5_000):
        history = history.copy()
        add(history, Arrival(t, 1, t, t))
    assert len(history) == RETENTION
    assert history.entries.count <= 2 * RETENTION + 2
    assert history.entries.total(history.end) <= 2 * RETENTION + 2
