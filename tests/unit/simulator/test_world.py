"""The simulated world has habits, seasons and fraud, and is the same for the same seed."""

from itertools import islice

import numpy as np
import pytest

from headrace.simulator.population import AGE_BANDS
from headrace.simulator.scenario import Scenario
from headrace.simulator.seasons import ACTIVITY, DAY_MS, HOUR_MS, SPAN_DAYS, START_MS, weekday
from headrace.simulator.world import World

SCENARIO = Scenario(seed=11, events=40_000)


@pytest.fixture(scope="module")
def world():
    return World(SCENARIO)


@pytest.fixture(scope="module")
def purchases(world):
    return np.concatenate(list(islice(world.days(), SPAN_DAYS)))


@pytest.fixture(scope="module")
def honest(purchases):
    return purchases[purchases["pattern"] == 0]


def test_the_world_is_as_large_as_the_number_of_events_needs(purchases):
    assert len(purchases) == pytest.approx(SCENARIO.events, rel=0.05)


def test_purchases_are_in_time_order_and_start_on_the_first_day(purchases):
    assert (np.diff(purchases["at_ms"]) >= 0).all()
    assert START_MS <= purchases["at_ms"][0] < START_MS + DAY_MS
    assert purchases["at_ms"][-1] < START_MS + SPAN_DAYS * DAY_MS


def test_a_day_is_the_same_whether_or_not_another_one_came_before(world):
    assert np.array_equal(World(SCENARIO).day(17), list(islice(world.days(), 18))[17])


def test_a_smaller_world_is_another_one():
    small, large = (World(Scenario(11, events)).day(0) for events in (10_000, 20_000))
    assert not np.array_equal(small, large[: len(small)])


def test_a_card_keeps_to_its_usual_amount(honest):
    amounts = np.log(honest["amount_minor"])
    by_card = [amounts[honest["card"] == card] for card in range(100)]
    within = np.median([amount.std() for amount in by_card])
    assert within < 0.8 * amounts.std()
    assert honest["amount_minor"].min() > 0


def test_nine_purchases_in_ten_are_at_the_cards_favourites(world, honest):
    favourites = world.population.favourites[honest["card"]]
    share = (favourites == honest["merchant"][:, None]).any(axis=1).mean()
    assert share == pytest.approx(0.9, abs=0.02)


def test_favourites_are_near_home(world, honest):
    km = world.distance_km(honest["card"], honest["merchant"])
    anywhere = world.distance_km(honest["card"], np.roll(honest["merchant"], 1))
    assert np.median(km) < np.median(anywhere) / 2


def test_a_card_has_hours_of_its_own(honest):
    hour = honest["at_ms"] / HOUR_MS % 24
    by_card = [hour[honest["card"] == card] for card in range(100)]
    assert np.median([h.std() for h in by_card]) < 0.85 * hour.std()


def test_nights_are_quieter_than_afternoons(honest):
    hour = honest["at_ms"] // HOUR_MS % 24
    assert 5 * (hour < 4).sum() < ((hour >= 13) & (hour < 17)).sum()


def test_the_week_has_the_declared_rhythm(honest):
    day = (honest["at_ms"] - START_MS) // DAY_MS
    of_day = np.bincount(day, minlength=SPAN_DAYS)
    weekdays = np.array([weekday(number) for number in range(SPAN_DAYS)])
    mean = [of_day[weekdays == number].mean() for number in range(7)]
    assert np.mean(ACTIVITY) == pytest.approx(1)
    assert mean / of_day.mean() == pytest.approx(ACTIVITY, abs=0.06)


def test_weekends_begin_later(honest):
    weekend = np.isin([weekday(n) for n in range(SPAN_DAYS)], (5, 6))
    at_weekend = weekend[(honest["at_ms"] - START_MS) // DAY_MS]
    hour = honest["at_ms"] / HOUR_MS % 24
    assert np.median(hour[at_weekend]) - np.median(hour[~at_weekend]) > 1


def test_the_first_day_is_a_thursday():
    assert [weekday(number) for number in (0, 1, 2, 3, 4, 7)] == [3, 4, 5, 6, 0, 3]


def test_holders_are_of_every_age_band_in_the_declared_shares():
    band = World(Scenario(11, 500_000)).population.age_band
    shares = np.bincount(band, minlength=len(AGE_BANDS)) / len(band)
    assert shares == pytest.approx(list(AGE_BANDS.values()), abs=0.03)


def test_habits_differ_by_age_band_and_fraud_does_not():
    world = World(Scenario(11, 300_000))
    purchases = np.concatenate(list(islice(world.days(), SPAN_DAYS)))
    band, pattern = world.population.age_band[purchases["card"]], purchases["pattern"]
    hour = [np.median(purchases["at_ms"][band == b] / HOUR_MS % 24) for b in range(4)]
    assert hour[0] - hour[3] > 2
    fraudulent = [(pattern[band == b] > 0).mean() for b in range(4)]
    assert fraudulent == pytest.approx([np.mean(pattern > 0)] * 4, rel=0.2)
