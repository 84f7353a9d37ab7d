"""The monitors beside the stream's state: never ahead of what is committed, never behind."""

from collections import Counter

import pytest

from headrace.chassis.companion import OutOfStep
from headrace.chassis.records import Received
from headrace.chassis.stages import StageClock
from headrace.chassis.state import KeyedState
from headrace.contracts.location import shipped
from headrace.drift.app import Watcher
from headrace.drift.state import DriftFormat
from headrace.drift.watch import Watch
from headrace.drift.watching import Watching
from headrace.usecase.charter import Charter
from headrace.usecase.drift import Drift as Declared
from support.counting import json_channel
from support.drifting import Traffic

SHIPPED = Charter.load(shipped("deploy") / "charters" / "card-fraud.toml")
CHARTER = SHIPPED.model_copy(update={"drift": Declared(segments=("card_new", "weekend"))})
SIGNALS = json_channel("card-fraud.signals")


class Drift:
    """The handler of sketches above a state, and what is committed of it."""

    def __init__(self):
        self.state = KeyedState(DriftFormat())
        self.watching = Watching(lambda: Watch(CHARTER, []))
        self.handler = Watcher(
            "card-fraud", self.watching, 0, Watch.sketch, "card-fraud.sketches", SIGNALS
        )
        self.committed = {}

    def settle(self):
        assert self.watching.settle(self.state, self.committed, lambda: True)

    def handle(self, first, records, *, commits=True):
        received = [
            Received(0, first + n, "card-fraud.decisions", b"", record, 0)
            for n, record in enumerate(records)
        ]
        overlay = self.state.overlay()
        handled = self.handler(received, overlay, StageClock())
        if commits:
            for change in overlay.changes:
                self.state.restore(change)
            self.committed = {0: [first + len(records), -1]}
        return handled


@pytest.fixture
def drift():
    made = Drift()
    made.committed = {0: [-1, -1]}
    made.settle()
    return made


def sketches(count, seed=1):
    traffic, made = Traffic(CHARTER, seed), []
    for _ in range(count):
        made.append(traffic.decisions())
        traffic.passes()
    return made


def test_a_batch_that_is_not_committed_is_looked_at_again_by_monitors_as_they_were(drift):
    made, other = sketches(150), Drift()
    other.committed = {0: [-1, -1]}
    other.settle()
    drift.handle(0, made[:140])
    drift.handle(140, made[140:], commits=False)
    drift.settle()
    drift.handle(140, made[140:])
    other.handle(0, made)
    whole, again = (
        {key: each.bodies for key, each in one.state.of(0).items()} for one in (other, drift)
    )
    assert again == whole
    assert whole.keys() >= {"input/amount_minor", "score/served", "serving"}
    assert whole.keys() >= {"score/served/card_new=1", "score/served/weekend=1"}


def test_segments_that_the_charter_names_no_more_are_passed_over(drift):
    drift.handle(0, sketches(3))
    assert "score/served/card_new=1" in drift.state.of(0)
    drift.watching = Watching(lambda: Watch(SHIPPED, []))
    drift.settle()
    watch = drift.watching.at(0, 3, 3)
    assert "score/served" in watch.kept
    assert "score/served/card_new=1" not in watch.kept


def test_what_the_monitors_have_seen_is_not_shown_to_them_again(drift):
    made = sketches(3)
    drift.handle(0, made[:2])
    with pytest.raises(OutOfStep):
        drift.handle(1, made[1:])


def test_where_somebody_else_has_the_partition_nothing_is_held(drift):
    drift.handle(0, sketches(2))
    drift.committed = {}
    drift.settle()
    with pytest.raises(AssertionError):
        drift.handle(2, sketches(1))


def test_a_sketch_that_contradicts_itself_is_rejected_and_the_next_is_taken(drift):
    good, bad, *_ = sketches(2)
    bad["histograms"][3]["bins"].append(7)
    handled = drift.handle(0, [bad, good])
    assert [(each.received.offset, each.reason) for each in handled.rejected] == [
        (0, "handler_failed")
    ]
    assert (handled.outgoing, handled.counts) == ([], Counter())
