"""What becomes known of an event depends on what was decided, and on who looks."""

import numpy as np
import pytest

from headrace.simulator.labels import (
    ACCUSED,
    APPEALED,
    CHARGED_BACK,
    CORRECTED,
    DELAYS,
    OVERLOOKED,
    labels_of,
)
from headrace.simulator.scenario import Drift, Scenario
from headrace.simulator.seasons import DAY_MS, HOUR_MS, START_MS

SCENARIO = Scenario(seed=2, events=10_000)
EVENTS = 4_000
AT_MS = START_MS + DAY_MS


def known(action, *, fraudulent, scenario=SCENARIO, events=EVENTS):
    return [
        labels_of(scenario, number, fraudulent=fraudulent, action=action, occurred_at_ms=AT_MS)
        for number in range(events)
    ]


def share(labelled):
    return np.mean([bool(labels) for labels in labelled])


def delays_ms(labelled):
    return np.array([labels[0].observed_at_ms - AT_MS for labels in labelled if labels])


def sources(labelled):
    return {label.source for labels in labelled for label in labels}


def test_an_approved_fraud_is_charged_back_within_weeks_where_somebody_notices():
    labelled = known("approve", fraudulent=True)
    assert sources(labelled) == {"chargeback"}
    assert share(labelled) == pytest.approx(CHARGED_BACK, abs=0.02)
    assert all(labels[0].fraudulent for labels in labelled if labels)
    waited_ms = delays_ms(labelled)
    assert 14 * DAY_MS < np.median(waited_ms) < 25 * DAY_MS
    assert 3 * DAY_MS <= waited_ms.min() < waited_ms.max() <= 56 * DAY_MS


@pytest.mark.parametrize(
    ("action", "fraudulent"), [("approve", False), ("decline", True), ("monitor", True)]
)
def test_of_other_events_that_nobody_looked_at_nothing_becomes_known(action, fraudulent):
    assert not any(known(action, fraudulent=fraudulent))


@pytest.mark.parametrize("fraudulent", [True, False])
def test_every_reviewed_event_has_an_analysts_verdict_within_hours(fraudulent):
    labelled = known("review", fraudulent=fraudulent)
    assert share(labelled) == 1
    assert all(labels[0].source == "analyst" for labels in labelled)
    waited_ms = delays_ms(labelled)
    assert 2 * HOUR_MS < np.median(waited_ms) < 4 * HOUR_MS
    assert waited_ms.max() <= DAY_MS


@pytest.mark.parametrize(("fraudulent", "wrong"), [(True, OVERLOOKED), (False, ACCUSED)])
def test_analysts_err_and_most_of_their_errors_are_corrected_within_weeks(fraudulent, wrong):
    labelled = known("review", fraudulent=fraudulent, events=20_000)
    erred = [labels for labels in labelled if labels[0].fraudulent != fraudulent]
    corrected = [labels for labels in erred if len(labels) == 2]
    assert len(erred) / len(labelled) == pytest.approx(wrong, rel=0.15)
    assert len(corrected) / len(erred) == pytest.approx(CORRECTED, rel=0.15)
    assert all(len(labels) == 1 for labels in labelled if labels[0].fraudulent == fraudulent)
    for verdict, correction in corrected:
        assert (verdict.revision, correction.revision) == (1, 2)
        assert correction.source == "correction"
        assert correction.fraudulent == fraudulent
        waited_ms = correction.observed_at_ms - verdict.observed_at_ms
        assert 2 * DAY_MS <= waited_ms <= 28 * DAY_MS


def test_some_of_the_honest_who_were_declined_appeal():
    labelled = known("decline", fraudulent=False)
    assert sources(labelled) == {"appeal"}
    assert share(labelled) == pytest.approx(APPEALED, abs=0.03)
    assert not any(labels[0].fraudulent for labels in labelled if labels)
    assert delays_ms(labelled).max() <= 14 * DAY_MS


def test_every_source_has_a_delay():
    assert set(DELAYS) == {"analyst", "chargeback", "correction", "appeal"}
    for delay in DELAYS.values():
        assert 0 < delay.least_ms < delay.median_ms < delay.most_ms


def test_equal_seeds_say_equal_things_whatever_else_is_asked_and_other_seeds_others():
    labelled = known("review", fraudulent=True, events=50)
    assert known("review", fraudulent=True, events=20) == labelled[:20]
    assert known("review", fraudulent=True, scenario=Scenario(3, 10_000), events=50) != labelled


def test_a_drift_does_not_change_what_is_left_to_chance():
    drifted = Scenario(2, 10_000, (Drift("concept", AT_MS),))
    labelled = known("review", fraudulent=True, events=50)
    assert known("review", fraudulent=True, scenario=drifted, events=50) == labelled
