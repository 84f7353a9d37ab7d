"""A backtest decides as the services would, and knows nothing before it is known."""

import random

import numpy as np
import pytest

from headrace.backtesting.replay import SCORECARD, SERVED, Event, Replay
from headrace.errors import HeadraceError
from headrace.evaluating.exact import average_precision
from headrace.usecase.charter import Charter
from support.charter_texts import card_fraud
from unit.backtesting.conftest import (
    DAY_MS,
    FDH_CHARTER,
    START_MS,
    decided,
    event_of,
    recorded,
)

WEEK_MS = 7 * DAY_MS
TERMINAL = "terminal_frauds_28d"


def served(charter: Charter, events: list[Event]) -> np.ndarray:
    return np.concatenate([batch.scores[SERVED] for batch in decided(charter, events)])


def time_ms(event: Event) -> int:
    return int(event.record["occurred_at_ms"])


def test_before_anything_is_learned_the_scorecard_decides_and_then_the_champion(small) -> None:
    batches = decided(small, recorded(3_000))
    first, last = batches[0], batches[-1]
    assert set(first.scores) == {SCORECARD, SERVED}
    np.testing.assert_array_equal(first.scores[SERVED], first.scores[SCORECARD])
    assert set(last.scores) == {SCORECARD, SERVED, "logistic", "forest", "both"}
    np.testing.assert_array_equal(last.scores[SERVED], last.scores["both"])


def test_it_learns(small) -> None:
    events = recorded(4_000)
    scores = served(small, events)
    positive = np.array([event.is_positive for event in events])
    late = slice(3_000, None)
    share = positive[late].mean()
    assert average_precision(positive[late], scores[late]) > 2 * share


def test_the_same_recording_gives_the_same_scores(small) -> None:
    events = recorded(1_500)
    np.testing.assert_array_equal(served(small, events), served(small, events))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_labels_that_are_not_known_yet_change_nothing(small, seed) -> None:
    events = recorded(1_500, seed)
    cut_ms = START_MS + 20 * DAY_MS
    unknown = [n for n, event in enumerate(events) if time_ms(event) > cut_ms - WEEK_MS]
    truths = [events[n].is_positive for n in unknown]
    random.Random(seed).shuffle(truths)
    other = list(events)
    for n, truth in zip(unknown, truths, strict=True):
        other[n] = event_of(events[n].record, truth)
    before = sum(time_ms(event) <= cut_ms for event in events)
    first, second = served(small, events), served(small, other)
    np.testing.assert_array_equal(first[:before], second[:before])
    assert (first[before:] != second[before:]).any(), "later, they do"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_event_that_comes_late_is_decided_by_what_was_known_at_its_time(tmp_path, seed) -> None:
    late = changed(
        tmp_path,
        ('lateness = "1s"', 'lateness = "6d"'),
        ("freeze_every = 5_000", "freeze_every = 20"),
        ("trees = 10", "trees = 2"),
        ("negatives_share = 0.2", "negatives_share = 1.0"),
    )
    rnd = random.Random(seed)
    come = [
        (time_ms(event) + (rnd.random() < 0.05) * rnd.randrange(6 * DAY_MS), event)
        for event in recorded(1_500, seed)
    ]
    events = [event for _, event in sorted(come, key=lambda each: each[0])]
    cut_ms = START_MS + 20 * DAY_MS
    other = [
        event_of(event.record, event.is_positive != (time_ms(event) > cut_ms - WEEK_MS))
        for event in events
    ]
    by_then = np.array([time_ms(event) <= cut_ms for event in events])
    after = len(by_then) - by_then[::-1].argmax()
    assert not by_then[:after].all(), "some of those before the cut come after later ones"
    first, second = served(late, events), served(late, other)
    np.testing.assert_array_equal(first[by_then], second[by_then])
    assert (first[~by_then] != second[~by_then]).any(), "later, they do"


def test_a_profile_knows_a_fraud_from_the_moment_at_which_its_label_comes(small) -> None:
    def event(name: str, at_ms: int, *, is_positive: bool = False) -> Event:
        record = {**recorded(1)[0].record, "event_id": name, "occurred_at_ms": START_MS + at_ms}
        return event_of(record, is_positive)

    events = [
        event("fraud", 0, is_positive=True),
        event("a millisecond before", WEEK_MS - 1),
        event("then", WEEK_MS),
    ]
    vectors = np.concatenate([batch.matrix for batch in decided(small, events)])
    column = small.feature_set.names.index(TERMINAL)
    assert vectors[:, column].tolist() == [0.0, 0.0, 1.0]


def test_a_batch_is_over_before_a_label_of_it_can_be_known(small) -> None:
    events = [recorded(1)[0]] * 1_200
    replay = Replay(small)
    assert [len(batch) for batch in replay.batches(events)] == [500, 500, 200]
    spans = [time_ms(batch[-1]) - time_ms(batch[0]) for batch in replay.batches(recorded(3_000))]
    assert max(spans) < WEEK_MS / 2


def test_duplicates_and_faults_are_not_decided_and_not_learned_from(small) -> None:
    events = recorded(20, days=2)
    faulty = event_of({**events[9].record, "event_id": "faulty", "amount_minor": -1}, True)
    batches = decided(small, [*events[:10], events[9], faulty, *events[10:]])
    assert [row for batch in batches for row in batch.rows] == [*range(10), *range(12, 22)]
    assert sum(batch.rejected for batch in batches) == 1
    alone = decided(small, events)
    first, second = (np.concatenate([b.matrix for b in each]) for each in (batches, alone))
    np.testing.assert_array_equal(first, second)


def changed(tmp_path, *changes: tuple[str, str]) -> Charter:
    text = FDH_CHARTER.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "other.toml"
    path.write_text(text)
    return Charter.load(path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('family = "logistic"', 'family = "logistics"', "did you mean logistic"),
        ("learning_rate = 0.002", "learning_rte = 0.002", "learning_rte"),
        ('family = "logistic"', 'family = "linear"', "predicts a value"),
    ],
)
def test_a_charter_that_cannot_be_backtested_is_refused(tmp_path, old, new, told) -> None:
    with pytest.raises(HeadraceError, match=told):
        Replay(changed(tmp_path, (old, new)))


def test_a_charter_that_learns_nothing_is_refused(tmp_path) -> None:
    text = card_fraud(learning=False)
    path = tmp_path / "charter.toml"
    path.write_text(text.replace('stage = "live"', 'stage = "shadow"'))
    with pytest.raises(HeadraceError, match="learns nothing"):
        Replay(Charter.load(path))


def test_of_what_was_stopped_nothing_is_learned(small, tmp_path) -> None:
    def known(*changes: tuple[str, str]) -> list[bool | None]:
        charter = changed(tmp_path, *changes)
        batches = decided(charter, recorded(600, days=20))
        return [each.value for batch in batches for each in batch.known]

    shadow = known()
    assert set(shadow) == {True, False}
    stopping = (
        ('stage = "shadow"', 'stage = "live"'),
        ("intercept = -8.0", "intercept = 8.0"),  # declines everything
        ("chargeback = {", 'chargeback = { actions = ["approve"],'),
    )
    live = known(*stopping)
    assert set(live) == {None}
    assert len(live) <= len(shadow)


def test_a_recording_that_is_not_in_order_is_refused(small) -> None:
    events = recorded(50)
    far = {**events[9].record, "occurred_at_ms": time_ms(events[9]) + 30 * DAY_MS}
    ahead = event_of(far, False)
    with pytest.raises(HeadraceError, match=r"row 11 is .* before the latest one above it"):
        decided(small, [*events[:9], ahead, *events[9:]])


def test_an_id_that_comes_again_with_other_content_is_a_fault(small) -> None:
    events = recorded(20, days=2)
    other = {**events[3].record, "amount_minor": 7, "occurred_at_ms": time_ms(events[9])}
    batches = decided(small, [*events[:10], event_of(other, False), *events[10:]])
    assert sum(batch.rejected for batch in batches) == 1


def test_a_feature_that_is_too_large_ends_it_with_the_model_s_name(tmp_path) -> None:
    ratio = 'ratio = ["card_mean_7d", "card_mean_30d"]\ndefault = 1'
    charter = changed(
        tmp_path,
        (ratio, 'ratio = ["card_mean_7d", "is_weekend"]\ndefault = 1e200'),
        ("freeze_every = 5_000", "freeze_every = 100"),
    )
    with pytest.raises(HeadraceError, match=r"The model \w+ cannot learn: a feature is too large"):
        decided(charter, recorded(1_000))
