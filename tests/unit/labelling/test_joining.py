"""Decisions and labels of a partition come to outcomes, whichever of them is read first."""

from dataclasses import dataclass

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.chassis.records import Received
from headrace.chassis.state import KeyedState
from headrace.labelling.joining import Joiner
from headrace.labelling.recording import _OF_DECISION
from headrace.labelling.state import TIME_KEY, LabellingFormat
from headrace.labelling.timers import Timers
from headrace.usecase.charter import Charter
from headrace.usecase.labels import Labels, LabelSource
from support.use_case import SHIPPED

DAY = 86_400_000
START = 1_000 * DAY
NOW = START + 10_000 * DAY
SHIPPED_CHARTER = Charter.load(SHIPPED)
LABELS = Labels(
    horizon="60d",
    sources={
        "analyst": LabelSource(delay="4h", horizon="3d", actions=("review",)),
        "chargeback": LabelSource(delay="14d", horizon="60d", actions=("approve", "review")),
        "correction": LabelSource(delay="1d", horizon="180d", corrects=True),
    },
    orphan_after="7d",
)
CHARTER = SHIPPED_CHARTER.model_copy(update={"labels": LABELS})
LATENESS = CHARTER.events.lateness_ms
SOURCES = ("analyst", "chargeback")


def decision(number, action="approve", at_ms=START, key="card", **others):
    return {
        **dict.fromkeys(_OF_DECISION),
        "event_id": f"event-{number}",
        "key": key,
        "occurred_at_ms": at_ms,
        "action": action,
        "acted": True,
        "profile_keys": [],
        **others,
    }


def label(number, value=True, source="chargeback", at_ms=START + 20 * DAY, key="card", revision=1):
    return {
        "kind": "label",
        "event_id": f"event-{number}",
        "key": key,
        "source": source,
        "value": value,
        "observed_at_ms": at_ms,
        "revision": revision,
    }


def heartbeat(source, until_ms):
    return {**label(0, source=source, at_ms=until_ms, key=""), "kind": "heartbeat", "event_id": ""}


@dataclass
class Partition:
    """A partition of both inputs, and what has come of it."""

    def __post_init__(self):
        self.state = KeyedState(LabellingFormat())
        self.offsets = [0, 0]
        self.changes, self.outcomes, self.letters, self.rejected = [], [], [], []
        self.observations = []
        self.start()

    def start(self):
        self.timers = Timers(CHARTER)
        self.joiner = Joiner(CHARTER, self.timers, orjson.loads, "labels", lambda: NOW)

    def restart(self):
        """Go on from what the changelog tells."""
        self.state = KeyedState(LabellingFormat())
        for change in self.changes:
            self.state.restore(change)
        self.start()
        assert self.timers.settle(self.state, {0: (0, 0)}, lambda: True)

    def decide(self, *records):
        return self._take(0, self.joiner.decide, records)

    def hear(self, *records):
        return self._take(1, self.joiner.hear, records)

    def beat(self, until_ms, sources=SOURCES):
        return self.hear(*(heartbeat(each, until_ms) for each in sources))

    def _take(self, source, handle, records):
        received = [self._received(source, each) for each in records]
        overlay = self.state.overlay()
        with self.timers.attempt():
            joined = handle(received, overlay)
        overlay.merge({0})
        self.changes += overlay.changes
        self.outcomes += joined.outcomes
        self.observations += joined.observations
        self.letters += joined.given_up
        self.rejected += joined.rejected
        return joined

    def _received(self, source, record):
        self.offsets[source] += 1
        value = orjson.dumps(record)
        return Received(0, self.offsets[source] - 1, record["key"], value, record, -1)

    def told(self):
        return [(each["event_id"], each["value"], each["source"]) for each in self.outcomes]

    def waiting(self):
        return {key for _, key, _ in self.state if key != TIME_KEY}


@pytest.fixture
def partition():
    return Partition()


def test_an_approved_event_is_good_once_every_source_has_told_all_until_its_horizon(partition):
    partition.decide(decision(1))
    due_ms = START + 60 * DAY + LATENESS
    partition.beat(due_ms - 1)
    assert partition.told() == []
    partition.beat(due_ms)
    assert partition.told() == [("event-1", False, "matured")]
    (outcome,) = partition.outcomes
    assert (outcome["known_at_ms"], outcome["delay_ms"]) == (due_ms, 60 * DAY + LATENESS)
    assert (outcome["revision"], outcome["replaces"]) == (1, None)


def test_those_whom_an_event_counts_for_hear_when_it_turns_positive_and_when_no_more(partition):
    owners = ["merchant/m/1", "country/NL"]
    partition.decide(decision(1, profile_keys=owners), decision(2, profile_keys=owners))
    partition.hear(label(1))
    told = {"occurred_at_ms": START, "told": "positive"}
    positive = [
        {"profile": "merchant", "key": "m/1", **told},
        {"profile": "country", "key": "NL", **told},
    ]
    assert partition.observations == positive
    partition.restart()
    partition.hear(label(1, value=False, source="correction", at_ms=START + 30 * DAY))
    assert partition.observations[2:] == [{**each, "told": "retracted"} for each in positive]
    partition.beat(START + 61 * DAY)
    assert len(partition.outcomes) == 3  # the second has matured, which is nothing to hear of
    assert len(partition.observations) == 4


def test_as_long_as_one_source_is_silent_nothing_matures(partition):
    partition.decide(decision(1), decision(2, at_ms=START + 500 * DAY))
    partition.beat(START + 400 * DAY, ["chargeback"])
    assert partition.told() == []


def test_who_only_corrects_is_not_waited_for(partition):
    partition.decide(decision(1))
    partition.beat(START + 61 * DAY)
    assert partition.told() == [("event-1", False, "matured")]


@pytest.mark.parametrize("action", ["decline", "review"])
def test_what_was_stopped_and_not_spoken_of_is_censored(partition, action):
    partition.decide(decision(1, action), decision(2, action, acted=False))
    partition.beat(START + 61 * DAY)
    assert partition.told() == [("event-1", None, "censored"), ("event-2", False, "matured")]


def test_a_label_is_told_at_once_and_its_correction_replaces_it(partition):
    partition.decide(decision(1, "review"))
    partition.hear(label(1, value=True, source="analyst", at_ms=START + DAY))
    partition.hear(label(1, value=False, source="correction", at_ms=START + 9 * DAY, revision=2))
    assert partition.told() == [("event-1", True, "analyst"), ("event-1", False, "correction")]
    assert [(each["revision"], each["replaces"]) for each in partition.outcomes] == [
        (1, None),
        (2, True),
    ]


def test_a_fraud_charged_back_after_the_event_had_matured_corrects_it(partition):
    partition.decide(decision(1))
    partition.beat(START + 61 * DAY)
    partition.hear(label(1, at_ms=START + 62 * DAY))
    assert partition.told()[1:] == [("event-1", True, "chargeback")]
    assert partition.outcomes[1]["replaces"] is False


def test_a_label_waits_for_its_decision(partition):
    partition.hear(label(1))
    assert partition.told() == []
    partition.restart()
    partition.decide(decision(1))
    assert partition.told() == [("event-1", True, "chargeback")]


def test_a_label_without_a_decision_becomes_a_dead_letter_with_its_bytes(partition):
    orphan = label(7, at_ms=START)
    partition.hear(orphan)
    span_ms = 7 * DAY + LATENESS
    partition.decide(decision(1, at_ms=START + span_ms - 1))
    partition.beat(START + 400 * DAY)  # labels' time does not count: decisions may be behind
    partition.restart()
    assert partition.letters == []
    partition.decide(decision(2, at_ms=START + span_ms))
    (letter,) = partition.letters
    assert (letter["reason"], letter["source_topic"]) == ("orphan", "labels")
    assert (letter["source_offset"], letter["key"]) == (0, b"card")
    assert orjson.loads(letter["value"]) == orphan
    assert "card\0event-7" not in partition.waiting()


@pytest.mark.parametrize("comes_first", ["label", "decision"])
def test_a_label_of_somebody_who_cannot_know_is_a_dead_letter(partition, comes_first):
    strange = label(1, source="analyst", at_ms=START + DAY)
    if comes_first == "label":
        partition.hear(strange)
        partition.decide(decision(1, "approve"))
        assert [each["reason"] for each in partition.letters] == ["cannot_speak"]
    else:
        partition.decide(decision(1, "approve"))
        partition.hear(strange)
        assert [each.reason for each in partition.rejected] == ["cannot_speak"]
    assert partition.told() == []
    partition.beat(START + 61 * DAY)
    assert partition.told() == [("event-1", False, "matured")]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (label(1, source="hearsay"), "unknown_source"),
        (heartbeat("hearsay", START), "unknown_source"),
        (label(1, at_ms=NOW + DAY), "future"),
        (heartbeat("analyst", NOW + DAY), "future"),
        ({**label(1), "kind": "rumour"}, "invalid_value"),
        ({**label(1), "value": False}, "label_conflict"),
        (label("x" * 20_000), "too_large"),
        ({**label(1), "event_id": ""}, "invalid_value"),
        (label(1, key="card\0event-1"), "invalid_value"),
    ],
)
def test_what_is_no_label_is_a_dead_letter_and_moves_no_time(partition, record, reason):
    partition.decide(decision(1))
    partition.hear(label(1))
    before = partition.state.of(0)[TIME_KEY].copy()
    partition.hear(record)
    assert [each.reason for each in partition.rejected] == [reason]
    assert partition.state.of(0)[TIME_KEY] == before


def test_a_decision_from_the_future_gives_no_label_up(partition):
    partition.hear(label(7))
    partition.decide(decision(1, at_ms=NOW + 100 * DAY))
    assert partition.letters == []


def test_a_label_that_is_sent_again_counts_once(partition):
    partition.decide(decision(1))
    joined = [partition.hear(label(1)) for _ in range(2)]
    assert [each.counts["duplicates"] for each in joined] == [0, 1]
    assert len(partition.outcomes) == 1


def test_a_decision_that_is_read_again_counts_once(partition):
    joined = [partition.decide(decision(1)) for _ in range(2)]
    assert [each.counts["duplicates"] for each in joined] == [0, 1]
    partition.beat(START + 61 * DAY)
    assert len(partition.outcomes) == 1


def test_an_event_is_forgotten_once_nobody_may_speak_of_it_any_more(partition):
    partition.decide(decision(1))
    end_ms = START + 180 * DAY + LATENESS + 7 * DAY  # a correction may wait unread
    partition.beat(end_ms - 1)
    assert partition.waiting() == {"card\0event-1"}
    partition.restart()
    partition.beat(end_ms)
    assert partition.waiting() == set()
    partition.restart()
    assert partition.waiting() == set()


def test_two_cards_may_have_events_of_the_same_id(partition):
    partition.decide(decision(1), decision(1, key="other", at_ms=START + 1))
    partition.hear(label(1, key="other"))
    partition.beat(START + 62 * DAY)
    assert [(each["key"], each["value"]) for each in partition.outcomes] == [
        ("other", True),
        ("card", False),
    ]


def test_where_it_fails_half_way_nothing_that_is_due_is_passed_over(partition, monkeypatch):
    partition.decide(decision(1))
    working = partition.joiner._decode
    monkeypatch.setattr(partition.joiner, "_decode", lambda value: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        partition.beat(START + 61 * DAY)
    monkeypatch.setattr(partition.joiner, "_decode", working)
    partition.beat(START + 61 * DAY)
    assert partition.told() == [("event-1", False, "matured")]


def test_an_event_that_comes_very_late_is_not_known_sooner_for_that(partition):
    partition.decide(decision(1, at_ms=START + 100 * DAY), decision(2, at_ms=START))
    partition.beat(START + 150 * DAY)
    assert partition.told() == []
    partition.beat(START + 161 * DAY)
    assert partition.told() == [("event-2", False, "matured"), ("event-1", False, "matured")]


def test_a_source_that_the_charter_does_not_name_any_more_cannot_speak(partition):
    partition.hear(label(1))
    fewer = Labels(
        horizon="60d",
        sources={name: source for name, source in LABELS.sources.items() if name != "chargeback"},
    )
    charter = CHARTER.model_copy(update={"labels": fewer})
    partition.joiner = Joiner(charter, partition.timers, orjson.loads, "labels", lambda: NOW)
    partition.decide(decision(1))
    assert [each["reason"] for each in partition.letters] == ["unknown_source"]
    assert partition.rejected == []


NUMBERS = range(6)
FATES = st.tuples(
    st.sampled_from(["approve", "review", "decline"]),
    st.sampled_from([None, "analyst", "chargeback", "correction"]),
    st.integers(1, 70),
)


@given(fates=st.tuples(*[FATES for _ in NUMBERS]), read=st.lists(st.booleans(), max_size=60))
def test_what_comes_of_events_does_not_depend_on_which_input_is_read_first(fates, read):
    """Catching up: each input in its order, and all of one before any of the other at worst."""
    decisions = [decision(each, fates[each][0], START + each * 5 * DAY) for each in NUMBERS] + [
        decision(99, "decline", START + 500 * DAY)
    ]
    spoken = [
        label(each, source=source, at_ms=START + each * 5 * DAY + days * DAY)
        for each, (_, source, days) in enumerate(fates)
        if source is not None
    ]
    beats = [heartbeat(each, START + day * DAY) for day in range(5, 300, 25) for each in SOURCES]
    heard = sorted([*spoken, *beats], key=lambda each: each["observed_at_ms"])
    expected, actual = Partition(), Partition()
    for each in heard:
        expected.hear(each)
    expected.decide(*decisions)
    expected.beat(START + 301 * DAY)
    left = [list(decisions), list(heard)]
    for is_label in [*read, *[True] * 100, *[False] * 10]:
        if left[is_label]:
            (actual.hear if is_label else actual.decide)(left[is_label].pop(0))
            if len(left[is_label]) % 5 == 0:
                actual.restart()
    actual.beat(START + 301 * DAY)
    assert final(actual) == final(expected)
    assert positives_called_good(actual) == []


def final(partition):
    """What each event is held to be in the end, and which labels did not count."""
    values = {each["event_id"]: (each["value"], each["source"]) for each in partition.outcomes}
    letters = sorted(orjson.loads(each["value"])["event_id"] for each in partition.letters)
    rejected = sorted(each.received.record["event_id"] for each in partition.rejected)
    return values, sorted([*letters, *rejected])


def positives_called_good(partition):
    """Events that matured although a label in time was there to be read."""
    in_time = {each["event_id"] for each in partition.outcomes if each["value"]}
    matured = {
        each["event_id"]
        for each in partition.outcomes
        if each["source"] == "matured" and each["delay_ms"] < 60 * DAY
    }
    return sorted(in_time & matured)
