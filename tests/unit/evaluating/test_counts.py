"""Counts add up, exactly."""

import numpy as np
import pytest

from headrace.evaluating.counts import Counts, nothing, priced
from headrace.evaluating.evaluator import ALL
from headrace.evaluating.rows import Row, Rows
from unit.evaluating.logs import START, evaluator, folded, random_log


def counts_of(log) -> dict[tuple[str, str], Counts]:
    return {
        (each.model, each.label_source): each.counts
        for each in folded(log).known()
        if each.window_start_ms == START
    }


@pytest.mark.parametrize("seed", range(10))
def test_the_parts_of_a_log_add_up_to_the_whole_and_can_be_taken_out_again(seed):
    log = random_log(seed, 200, days=1)
    log = [each._replace(event_id=f"only-{n}") for n, each in enumerate(log)]
    whole, first, rest = counts_of(log), counts_of(log[:90]), counts_of(log[90:])
    for key, counts in whole.items():
        one, other = first.get(key, nothing()), rest.get(key, nothing())
        assert one + other == counts == other + one
        assert counts - other == one
        assert counts - counts == nothing()


@pytest.mark.parametrize("seed", range(5))
def test_all_sources_are_the_sum_of_each(seed):
    whole = counts_of(random_log(seed, 200, days=1))
    for model in ("served", "forest"):
        parts = [each for (of, source), each in whole.items() if of == model and source != ALL]
        assert sum(parts, nothing()) == whole[model, ALL]


def test_money_is_exact_past_64_bits():
    rows = Rows(0)
    for event in range(5):
        rows.put(Row(event, 0, 1, True, 2**62 + event, -(2**62), ()))
    counts = priced(rows.table())
    assert counts.cost_minor == 5 * 2**62 + 10
    assert counts.approving_minor == -5 * 2**62


def test_counts_of_the_same_are_equal_and_hash_alike():
    one, other = nothing(), nothing()
    assert one == other
    assert hash(one) == hash(other)
    assert not one
    assert one != Counts(np.zeros((2, 1024), np.int64), censored=1)
    assert list(evaluator().known()) == []
