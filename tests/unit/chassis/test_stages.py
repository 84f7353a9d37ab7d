"""The stage clock: every second counts for exactly one stage."""

from typing import get_args

from headrace.chassis.stages import STAGES, Stage, StageClock


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_time_counts_for_the_stage_that_was_entered_last():
    clock = Clock()
    stages = StageClock(clock)
    for stage, seconds in (("fetch", 1), ("decode", 2), ("fetch", 4)):
        stages.enter(stage)
        clock.now += seconds
    stages.enter("idle")
    assert stages.seconds["fetch"] == 5
    assert stages.seconds["decode"] == 2


def test_it_begins_idle_and_all_stages_sum_up_to_the_time_that_passed():
    clock = Clock()
    stages = StageClock(clock)
    for stage in STAGES:
        clock.now += 0.25
        stages.enter(stage)
    assert stages.seconds["idle"] == 0.5
    assert sum(stages.seconds.values()) == clock.now - 100


def test_every_stage_has_its_seconds_from_the_beginning():
    assert set(StageClock().seconds) == set(get_args(Stage))
