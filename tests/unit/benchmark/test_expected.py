"""What must come out, held to the definition of the windows, one event at a time."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from headrace.benchmark.expected import WINDOWS_DAYS, expected
from headrace.benchmark.payments import DAY_MS, Payments, growing, in_turn
from headrace.benchmark.where import charter, programs
from headrace.models.linear import LogisticPredictor
from headrace.usecase.charter import Charter
from support.modules import loaded


@pytest.fixture(scope="module")
def payments() -> Payments:
    return growing(1_500, 3)


@pytest.fixture(scope="module")
def job() -> ModuleType:
    return loaded(programs() / "job.py")


def test_a_window_is_what_happened_less_than_its_length_before(payments: Payments) -> None:
    features = expected(payments, Charter.load(charter())).features
    for row in range(0, len(payments), 7):
        own = payments.cards[: row + 1] == payments.cards[row]
        age_ms = payments.times_ms[row] - payments.times_ms[: row + 1][own]
        amounts = payments.amounts[: row + 1][own]
        wanted = [float(payments.amounts[row])]
        for days in WINDOWS_DAYS:
            inside = amounts[age_ms < days * DAY_MS]
            wanted += [len(inside), inside.mean()]
        assert features[row] == pytest.approx(wanted)


def test_an_event_a_window_before_is_outside() -> None:
    daily = in_turn(cards=1, events=3, days=3, seed=1)
    assert expected(daily, Charter.load(charter())).features[:, 1].tolist() == [1, 1, 1]


def test_all_three_actions_occur() -> None:
    assert set(expected(growing(20_000, 1), Charter.load(charter())).actions) == {
        "approve",
        "review",
        "decline",
    }


def test_the_peers_windows_are_the_same(payments: Payments, job: ModuleType) -> None:
    features = expected(payments, Charter.load(charter())).features
    states: dict[int, bytes] = {}
    for row in range(len(payments)):
        card = int(payments.cards[row])
        history = job.History(states.get(card))
        place = history.add(int(payments.times_ms[row]), int(payments.amounts[row]))
        assert history.measure(place) == features[row, 1:].tolist()
        states[card] = history.packed()


def test_the_peers_take_what_is_late_into_the_windows_of_its_own_time(job: ModuleType) -> None:
    history = job.History(None)
    history.add(10 * DAY_MS, 100)
    place = history.add(10 * DAY_MS - 1_000, 300)
    assert history.measure(place)[:2] == [1.0, 300.0]
    assert history.measure(1)[:2] == [2.0, 200.0]


def test_no_peer_knows_headrace() -> None:
    files = list(Path(programs()).rglob("*.py"))
    assert files
    for file in files:
        assert "import headrace" not in file.read_text()
        assert "from headrace" not in file.read_text()


def test_the_features_are_those_that_the_model_knows(payments: Payments) -> None:
    loaded_charter = Charter.load(charter())
    assert list(loaded_charter.model.features) == list(loaded_charter.feature_set.names)
    scores = expected(payments, loaded_charter).scores
    low, high = LogisticPredictor.bounds
    assert np.all((scores > low) & (scores < high))
