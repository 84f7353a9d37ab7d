"""The simulated world has habits and some fraud, and is the same for the same seed."""

from itertools import islice

import numpy as np
import pytest

from headrace.simulator.world import SPAN_DAYS, START_MS, World

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def purchases():
    return np.concatenate(list(islice(World(11, 20_000).days(), SPAN_DAYS)))


def test_the_world_is_as_large_as_the_number_of_events_needs(purchases):
    assert len(purchases) == pytest.approx(20_000, rel=0.05)


def test_purchases_are_in_time_order_and_start_on_the_first_day(purchases):
    assert (np.diff(purchases["at_ms"]) >= 0).all()
    assert START_MS <= purchases["at_ms"][0] < START_MS + DAY_MS
    assert purchases["at_ms"][-1] < START_MS + SPAN_DAYS * DAY_MS


def test_about_one_purchase_in_a_hundred_is_fraudulent(purchases):
    assert 0.003 < purchases["fraudulent"].mean() < 0.03


def test_thieves_spend_more(purchases):
    amount_minor, fraudulent = purchases["amount_minor"], purchases["fraudulent"]
    assert np.median(amount_minor[fraudulent]) > 2 * np.median(amount_minor[~fraudulent])
    assert amount_minor.min() > 0


def test_cards_buy_at_few_merchants_near_home(purchases):
    world = World(11, 20_000)
    km = world.distance_km(purchases["card"], purchases["merchant"])
    anywhere = world.distance_km(purchases["card"], np.roll(purchases["merchant"], 1))
    assert np.median(km) < np.median(anywhere) / 2


def test_nights_are_quieter_than_afternoons(purchases):
    hour = purchases["at_ms"] // 3_600_000 % 24
    assert 5 * (hour < 4).sum() < ((hour >= 13) & (hour < 17)).sum()


def test_a_smaller_world_is_another_one():
    small, large = (next(World(11, events).days()) for events in (10_000, 20_000))
    assert not np.array_equal(small, large[: len(small)])
