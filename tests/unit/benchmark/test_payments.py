"""The benchmark's input: whoever takes how much of it, the work is the same."""

import numpy as np

from headrace.benchmark.expected import expected
from headrace.benchmark.payments import DAY_MS, Payments, growing, in_turn
from headrace.benchmark.where import charter
from headrace.usecase.charter import Charter

EVENTS = 40_000


def mean_count_30d(payments: Payments) -> float:
    return float(expected(payments, Charter.load(charter())).features[:, 5].mean())


def test_one_seed_gives_one_input() -> None:
    first, second = growing(500, 7), growing(500, 7)
    assert first.ids == second.ids
    assert first.records(repr_encode) == second.records(repr_encode)
    assert growing(500, 8).ids != first.ids


def test_every_beginning_has_windows_as_full_as_every_other() -> None:
    payments = growing(EVENTS, 1)
    whole = mean_count_30d(payments)
    for share in (8, 4, 2):
        assert abs(mean_count_30d(payments.first(EVENTS // share)) / whole - 1) < 0.15


def test_a_card_pays_about_70_times_in_30_days() -> None:
    assert 60 < mean_count_30d(growing(EVENTS, 1)) < 80


def test_the_payments_are_in_the_order_of_their_time() -> None:
    assert (np.diff(growing(EVENTS, 1).times_ms) >= 0).all()


def test_cards_in_turn_pay_equally_often() -> None:
    payments = in_turn(cards=10, events=100, days=50, seed=1)
    assert np.bincount(payments.cards).tolist() == [10] * 10
    assert np.diff(payments.times_ms[payments.cards == 3]).tolist() == [5 * DAY_MS] * 9


def repr_encode(record: object) -> bytes:
    return repr(record).encode()
