"""What thieves do: four patterns of fraud, and how they change with a drift of the concept."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from headrace.simulator.cases import Cases
from headrace.simulator.population import PER_CARD_AND_DAY, Ints, Population
from headrace.simulator.purchases import PATTERNS, Pattern, Purchases, code_of, purchases
from headrace.simulator.scenario import Scenario
from headrace.simulator.seasons import DAY_MS, START_MS
from headrace.simulator.ways import CASES, NEW_WAYS, OLD_WAYS, TESTING_MS, TESTS, Ways

MERCHANTS_PER_COMPROMISED = 200
COMPROMISED_DAYS = 14
_TEST_MINOR = (50, 250)
_VOUCHERS_MINOR = np.array([5_000, 10_000, 15_000, 20_000])

Columns: TypeAlias = Mapping[str, Ints]
_Make: TypeAlias = Callable[[Cases, float], Columns]


class Frauds:
    """The frauds on a population, day by day."""

    def __init__(self, scenario: Scenario, population: Population) -> None:
        self._scenario = scenario
        self._population = population
        self._drift = scenario.drift("concept")
        self._make: Mapping[Pattern, _Make] = {
            "stolen_card": self._stolen_card,
            "compromised_merchant": self._compromised_merchant,
            "leaked_credentials": self._leaked_credentials,
            "card_testing": self._card_testing,
        }

    def on(self, day: int, random: np.random.Generator) -> list[Purchases]:
        """Return a day's frauds, pattern by pattern, in no order of time."""
        start_ms = START_MS + day * DAY_MS
        end_ms, drift = start_ms + DAY_MS, self._drift
        frauds = []
        if start_ms < drift.from_ms + drift.over_ms or end_ms > drift.until_ms:
            old = [self._pattern(pattern, OLD_WAYS, 1.0, day, random) for pattern in PATTERNS]
            frauds += [made[~self._is_drifted(made)] for made in old]
        if start_ms < drift.until_ms and end_ms > drift.from_ms:
            times = drift.magnitude
            new = [self._pattern(pattern, NEW_WAYS, times, day, random) for pattern in PATTERNS]
            frauds += [made[self._is_drifted(made)] for made in new]
        return frauds

    def _is_drifted(self, made: Purchases) -> NDArray[np.bool_]:
        return self._drift.lasts_at(made["at_ms"], self._population.patience[made["card"]])

    def compromised(self, day: int) -> Ints:
        """Return the merchants whose terminals are rigged on a day: others every two weeks."""
        merchants = self._population.merchants
        random = self._scenario.random("period", day // COMPROMISED_DAYS)
        return random.integers(merchants, size=max(1, merchants // MERCHANTS_PER_COMPROMISED))

    def _pattern(
        self, pattern: Pattern, ways: Ways, times: float, day: int, random: np.random.Generator
    ) -> Purchases:
        expected = self._population.cards * PER_CARD_AND_DAY * ways.shares[pattern] * times
        cases = Cases.drawn(day, random, CASES[pattern], expected)
        made = purchases(self._make[pattern](cases, ways.greed[pattern]))
        made["pattern"] = code_of(pattern)
        return made

    def _any_card(self, cases: Cases) -> Ints:
        return cases.of_case(cases.random.integers(self._population.cards, size=cases.number))

    def _stolen_card(self, cases: Cases, greed: float) -> Columns:
        """Anywhere at all, one after the other, at much more than the usual."""
        random, population, card = cases.random, self._population, self._any_card(cases)
        return {
            "at_ms": cases.begin_ms() + cases.within_ms(),
            "card": card,
            "merchant": random.integers(population.merchants, size=len(card)),
            "amount_minor": population.amount_minor(random, card, greed),
        }

    def _compromised_merchant(self, cases: Cases, greed: float) -> Columns:
        """Cards that like the merchant are charged there again."""
        random, population = cases.random, self._population
        merchant = random.choice(self.compromised(cases.day), size=cases.number)
        guests = [np.flatnonzero((population.favourites == one).any(axis=1)) for one in merchant]
        some = [random.choice(g) if len(g) else random.integers(population.cards) for g in guests]
        card = cases.of_case(np.array(some, np.int64))
        return {
            "at_ms": cases.begin_ms() + cases.within_ms(),
            "card": card,
            "merchant": cases.of_case(merchant),
            "amount_minor": population.amount_minor(random, card, greed),
        }

    def _leaked_credentials(self, cases: Cases, greed: float) -> Columns:
        """Vouchers from merchants online, between midnight and morning."""
        random, card = cases.random, self._any_card(cases)
        vouchers_minor = random.choice(_VOUCHERS_MINOR, size=len(card))
        return {
            "at_ms": cases.midnight_ms + cases.within_ms(),
            "card": card,
            "merchant": random.choice(self._population.online, size=len(card)),
            "amount_minor": np.rint(greed * vouchers_minor).astype(np.int64),
        }

    def _card_testing(self, cases: Cases, greed: float) -> Columns:
        """Tiny payments online within minutes, then large ones, online too."""
        random, card = cases.random, self._any_card(cases)
        is_test = cases.place() < TESTS
        within_ms = cases.within_ms()
        cashing_ms = cases.kind.span_ms - TESTING_MS
        after_ms = np.where(is_test, within_ms % TESTING_MS, TESTING_MS + within_ms % cashing_ms)
        tiny_minor = random.integers(*_TEST_MINOR, size=len(card))
        large_minor = self._population.amount_minor(random, card, greed)
        return {
            "at_ms": cases.begin_ms() + after_ms,
            "card": card,
            "merchant": random.choice(self._population.online, size=len(card)),
            "amount_minor": np.where(is_test, tiny_minor, large_minor),
        }
