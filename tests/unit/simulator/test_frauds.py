"""Each pattern of fraud has its declared share, and is what its name says."""

from itertools import islice

import numpy as np
import pytest

from headrace.simulator.frauds import COMPROMISED_DAYS, Frauds
from headrace.simulator.population import ONLINE
from headrace.simulator.purchases import PATTERNS, code_of
from headrace.simulator.scenario import Scenario
from headrace.simulator.seasons import DAY_MS, HOUR_MS, SPAN_DAYS, START_MS
from headrace.simulator.ways import CASES, NEW_WAYS, OLD_WAYS, TESTING_MS, TESTS
from headrace.simulator.world import World

SCENARIO = Scenario(seed=5, events=400_000)


@pytest.fixture(scope="module")
def world():
    return World(SCENARIO)


@pytest.fixture(scope="module")
def purchases(world):
    return np.concatenate(list(islice(world.days(), SPAN_DAYS)))


def of(pattern, purchases):
    return purchases[purchases["pattern"] == code_of(pattern)]


def cases(pattern, purchases):
    """The purchases of each case: a card meets the same pattern twice on a day very rarely."""
    made = of(pattern, purchases)
    day = (made["at_ms"] - START_MS) // DAY_MS
    case = day * 1_000_000 + made["card"]
    return [made[case == one] for one in np.unique(case)]


def times_the_usual(pattern, purchases):
    """Amounts of a pattern as a multiple of the honest median of their card."""
    made, honest = of(pattern, purchases), purchases[purchases["pattern"] == 0]
    usual = {
        card: np.median(honest["amount_minor"][honest["card"] == card]) for card in made["card"]
    }
    return made["amount_minor"] / [usual[card] for card in made["card"]]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_share_of_each_pattern_is_near_the_declared_one(purchases, pattern):
    declared = OLD_WAYS.shares[pattern]
    deviation = (declared * CASES[pattern].most / len(purchases)) ** 0.5  # fraud comes in cases
    share = len(of(pattern, purchases)) / len(purchases)
    assert share == pytest.approx(declared, abs=4 * deviation)


def test_every_pattern_is_declared_and_of_new_ways_there_is_three_times_as_much():
    for ways, together in ((OLD_WAYS, 0.012), (NEW_WAYS, 0.035)):
        assert set(ways.shares) == set(ways.greed) == set(PATTERNS)
        assert sum(ways.shares.values()) == pytest.approx(together)
    assert set(CASES) == set(PATTERNS)


# A compromised merchant has few customers, so its cases of a day cannot be told apart.
@pytest.mark.parametrize("pattern", [p for p in PATTERNS if p != "compromised_merchant"])
def test_a_case_has_so_many_purchases_within_its_span_and_ends_on_its_day(purchases, pattern):
    kind = CASES[pattern]
    sizes = [len(case) for case in cases(pattern, purchases)]
    assert min(sizes) >= kind.fewest
    assert np.quantile(sizes, 0.95) <= kind.most
    assert np.mean(sizes) == pytest.approx(kind.mean, rel=0.1)
    spans = [np.ptp(case["at_ms"]) for case in cases(pattern, purchases) if len(case) <= kind.most]
    assert np.quantile(spans, 0.95) < kind.span_ms


def test_who_stole_a_card_spends_many_times_the_usual_far_from_home(world, purchases):
    assert np.median(times_the_usual("stolen_card", purchases)) > 5
    stolen, honest = of("stolen_card", purchases), purchases[purchases["pattern"] == 0]
    away = np.median(world.distance_km(stolen["card"], stolen["merchant"]))
    assert away > 2 * np.median(world.distance_km(honest["card"], honest["merchant"]))


def test_a_compromised_merchant_charges_its_own_customers_for_two_weeks(world, purchases):
    made = of("compromised_merchant", purchases)
    frauds = Frauds(SCENARIO, world.population)
    for purchase in made[:200]:
        day = int(purchase["at_ms"] - START_MS) // DAY_MS
        assert purchase["merchant"] in frauds.compromised(day)
        assert set(frauds.compromised(day)) == set(frauds.compromised(day - day % COMPROMISED_DAYS))
    favoured = (world.population.favourites[made["card"]] == made["merchant"][:, None]).any(axis=1)
    assert favoured.mean() > 0.95
    assert len(np.unique(made["merchant"])) < world.population.merchants / 20
    assert 2 < np.median(times_the_usual("compromised_merchant", purchases)) < 5


def test_leaked_credentials_buy_round_amounts_online_before_the_morning(purchases):
    made = of("leaked_credentials", purchases)
    assert (made["merchant"] % ONLINE == 0).all()
    assert (made["at_ms"] % DAY_MS < 8 * HOUR_MS).all()
    assert (made["amount_minor"] % 5_000 == 0).all()


def test_a_tested_card_pays_tiny_amounts_within_minutes_and_large_ones_afterwards(purchases):
    found = [c for c in cases("card_testing", purchases) if len(c) <= CASES["card_testing"].most]
    assert len(found) > 100
    whole = [case for case in found if (case["amount_minor"] < 250).sum() == TESTS]
    assert len(whole) > 0.9 * len(found)
    for case in whole:
        tests, cashing = case[:TESTS], case[TESTS:]
        assert np.ptp(tests["at_ms"]) < TESTING_MS
        assert tests["amount_minor"].max() < 250 <= cashing["amount_minor"].min()
        assert (case["merchant"] % ONLINE == 0).all()
