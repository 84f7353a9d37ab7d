"""What becomes of incidents: grouping, telling, escalating, silencing, resolving, reopening."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.alerting.causes import Cleared, Raised
from headrace.alerting.domain import (
    Commanded,
    UnknownIncident,
    pass_time,
    take_cleared,
    take_command,
    take_raised,
    take_silence,
)
from headrace.alerting.incidents import Incidents
from headrace.usecase.alerting import Alerting

RULES = Alerting(
    group_within="10m",
    cool_down="5m",
    escalate_after="30m",
    resolve_after="10m",
    reopen_within="1d",
)
MINUTE = 60_000


class Model:
    """The incidents of the cause "model", and a clock in minutes."""

    def __init__(self):
        self.held = Incidents()
        self.changes = []
        self.places = 0

    @property
    def incidents(self):
        return self.held.each

    def raise_(self, subject, at, number=0, kind="concept"):
        self.places += 1
        raised = Raised(
            kind,
            subject,
            f"{subject}@{number}",
            f"{subject} is off",
            f"signals-0-{self.places}",
        )
        return self._note(take_raised(self.held, raised, RULES, at * MINUTE))

    def clear(self, subject, at, number=0):
        cleared = Cleared("concept", subject, f"{subject}@{number}", "as before")
        return self._note(take_cleared(self.held, cleared, at * MINUTE))

    def say(self, command, at, incident=0, by="ada", until=None):
        said = Commanded(
            self.incidents[incident].incident_id,
            command,
            by,
            "because",
            None if until is None else until * MINUTE,
        )
        return self._note(take_command(self.held, said, at * MINUTE))

    def hush(self, at, until, by="ada"):
        said = Commanded("", "silence", by, "a maintenance", until * MINUTE)
        return self._note(take_silence(self.held, said, at * MINUTE))

    def pass_(self, at):
        return self._note(pass_time(self.held, RULES, at * MINUTE))

    def restart(self):
        held = Incidents.restored(self.held.body())
        assert held == self.held == self.held.copy()
        self.held = held

    def _note(self, changes):
        self.changes += changes
        return [(each.change, each.is_told) for each in changes]


@pytest.fixture
def model():
    return Model()


def test_a_signal_opens_an_incident_named_after_its_cause_and_its_place(model):
    assert model.raise_("error", 0) == [("opened", True)]
    assert model.incidents[0].incident_id == "model-signals-0-1"
    assert model.changes[0].alert_id == "model-signals-0-1/1"


def test_what_is_said_again_changes_nothing(model):
    model.raise_("error", 0)
    assert model.raise_("error", 1) == []
    model.clear("error", 2)
    assert model.clear("error", 3) == []
    assert model.raise_("error", 4) == [], "an old signal that comes late does not return"


def test_a_signal_whose_end_was_missed_goes_on_under_its_new_id(model):
    model.raise_("error", 0)
    assert model.raise_("error", 1, number=1) == []
    assert model.clear("error", 2) == [], "that one is over already"
    assert model.clear("error", 2, number=1) == [("cleared", False)]


def test_what_comes_soon_after_belongs_to_the_incident_and_what_comes_late_does_not(model):
    model.raise_("error", 0)
    assert model.raise_("calibration", 10)[0][0] == "grown"
    assert model.raise_("score", 20)[0][0] == "grown"
    assert model.raise_("label", 31)[0][0] == "opened"
    assert len(model.incidents) == 2


def test_what_drifts_in_a_segment_and_in_all_is_one_incident(model):
    model.raise_("concept/positives/card_new=1", 0)
    assert model.raise_("concept/positives", 1) == [("grown", False)]
    model.clear("concept/positives", 2)
    (incident,) = model.incidents
    active = [subject for subject, each in incident.signals.items() if each.is_active]
    assert active == ["concept/positives/card_new=1"], "one clears without the other"


def test_growth_is_told_no_sooner_than_after_the_cool_down_and_then_once(model):
    model.raise_("error", 0)
    assert model.raise_("calibration", 1) == [("grown", False)]
    assert model.raise_("score", 2) == [("grown", False)]
    assert model.pass_(4.9) == []
    assert model.pass_(5) == [("cooled_down", True)]
    assert model.pass_(12) == []
    assert model.raise_("label", 12) == [("grown", True)]


def test_growth_that_is_more_urgent_is_told_at_once(model):
    model.raise_("score", 0, kind="score")
    assert model.raise_("label", 1, kind="label") == [("grown", False)]
    assert model.raise_("error", 2, kind="concept") == [("grown", True)]
    assert model.incidents[0].worst.subject == "error"


def test_an_incident_escalates_until_somebody_acknowledges_it_three_times_at_most(model):
    model.raise_("error", 0)
    assert model.pass_(29) == []
    assert model.pass_(30) == [("escalated", True)]
    assert model.say("ack", 31) == [("acknowledged", False)]
    assert model.say("ack", 31) == []
    assert model.say("ack", 32, by="bob") == [("acknowledged", False)]
    assert model.pass_(100) == []
    other = Model()
    other.raise_("error", 0)
    assert [other.pass_(at) for at in range(30, 301, 30)].count([("escalated", True)]) == 3


def test_what_comes_back_after_all_was_clear_is_waited_for_anew(model):
    model.raise_("error", 0)
    model.clear("error", 29)
    assert model.raise_("score", 35) == [("opened", True)]
    assert model.raise_("error", 36, number=1) == [("grown", True)]
    assert model.pass_(64) == []
    assert model.pass_(66) == [("escalated", True), ("escalated", True)]


def test_an_incident_is_resolved_when_all_of_it_was_clear_for_long_enough(model):
    model.raise_("error", 0)
    model.raise_("score", 0)
    model.clear("error", 5)
    model.pass_(6)
    assert model.pass_(20) == [], "one of its signals lasts"
    assert model.clear("score", 21) == [("cleared", False)]
    assert model.pass_(30) == []
    assert model.pass_(31) == [("resolved", True)]
    assert model.incidents[0].state == "resolved"


def test_a_signal_that_returns_before_that_keeps_the_incident_open(model):
    model.raise_("error", 0)
    model.clear("error", 6)
    assert model.raise_("error", 10, number=1) == [("grown", True)]
    assert model.pass_(17) == []


def test_a_signal_that_returns_soon_reopens_the_incident_and_nobody_looks_after_it_yet(model):
    model.raise_("error", 0)
    model.say("ack", 1)
    model.clear("error", 2)
    model.pass_(12)
    assert model.raise_("error", 60, number=1) == [("reopened", True)]
    assert model.incidents[0].state == "open"
    assert model.pass_(90) == [("escalated", True)]


def test_what_comes_soon_after_belongs_to_the_incident_though_somebody_has_resolved_it(model):
    model.raise_("error", 0)
    model.say("resolve", 1)
    assert model.raise_("score", 5) == [("reopened", True)]
    assert set(model.incidents[0].signals) == {"error", "score"}
    assert [each.is_active for each in model.incidents[0].signals.values()] == [False, True]
    model.say("resolve", 6)
    assert model.raise_("label", 16) == [("opened", True)], "too long after its latest signal"


def test_what_goes_on_is_joined_before_what_is_resolved_is_opened_again(model):
    model.raise_("error", 0)
    model.say("resolve", 1)
    model.raise_("score", 11)
    model.say("resolve", 12, incident=1)
    model.raise_("error", 13, number=1)
    assert model.raise_("label", 14) == [("grown", False)]
    assert set(model.incidents[0].signals) == {"error", "label"}
    assert model.incidents[1].is_resolved


def test_an_incident_that_is_over_for_long_is_forgotten_and_a_new_one_opens(model):
    model.raise_("error", 0)
    model.clear("error", 1)
    model.pass_(11)
    model.pass_(11 + 24 * 60 + 1)
    assert model.incidents == []
    assert model.raise_("error", 2_000, number=1) == [("opened", True)]


def test_of_a_silenced_incident_nobody_is_told_until_the_silence_ends(model):
    model.raise_("error", 0)
    assert model.say("silence", 1, until=60) == [("silenced", False)]
    assert model.say("silence", 1, until=60) == []
    assert model.raise_("score", 6) == [("grown", False)]
    assert model.pass_(59) == [], "nor does it escalate"
    assert model.pass_(60) == [("silence_ended", True)]
    assert model.pass_(89) == [], "whoever looks after it has time again"
    assert model.pass_(90) == [("escalated", True)]


def test_what_was_resolved_while_it_was_silenced_is_told_at_the_end_if_people_believe_it_fires(
    model,
):
    model.raise_("error", 0)
    model.say("silence", 1, until=60)
    model.clear("error", 2)
    assert model.pass_(12) == [("resolved", False)]
    assert model.pass_(60) == [("silence_ended", True)]
    assert model.changes[-1].incident.told == "resolved"


def test_a_silence_may_be_made_longer_or_ended_and_one_that_is_over_already_is_none(model):
    model.raise_("error", 0)
    assert model.say("silence", 2, until=1) == []
    model.say("silence", 2, until=10)
    assert model.say("silence", 3, until=20) == [("silenced", False)]
    model.say("silence", 4, until=4)
    assert model.pass_(4) == [("silence_ended", True)]


def test_the_silence_of_what_is_over_may_be_ended_so_that_people_hear_when_it_opens_again(model):
    model.raise_("error", 0)
    model.say("silence", 1, until=300)
    model.clear("error", 2)
    model.pass_(15)
    assert model.incidents[0].is_resolved
    assert model.say("silence", 20, until=20) == [("silenced", False)]
    model.pass_(20)
    assert model.raise_("error", 30, number=1) == [("reopened", True)]


def test_of_a_silenced_cause_nobody_is_told_and_all_is_recorded_until_the_silence_ends(model):
    assert model.hush(0, until=60) == []
    assert model.raise_("error", 5) == [("opened", False), ("silenced", False)]
    opened, silenced = model.changes
    assert (opened.by, opened.incident.silenced_until_ms) == ("alerting", None)
    assert (silenced.by, silenced.reason) == ("ada", "a maintenance")
    assert silenced.incident.quiet_until_ms == 60 * MINUTE
    assert model.raise_("score", 20) == [("opened", False), ("silenced", False)]
    assert model.raise_("label", 21) == [("grown", False)]
    assert model.pass_(59) == [], "nor does it escalate"
    assert model.pass_(60) == [("silence_ended", True), ("silence_ended", True)]
    assert model.pass_(61) == [], "it is told once"
    assert model.raise_("quality", 71) == [("opened", True)]


def test_what_opens_and_is_over_while_its_cause_is_silenced_is_never_told(model):
    model.hush(0, until=60)
    model.raise_("error", 5)
    model.clear("error", 6)
    assert model.pass_(16) == [("resolved", False)]
    assert model.pass_(60) == [("silence_ended", False)]


def test_a_silence_of_a_cause_is_one_of_what_goes_on_already_and_of_what_opens_again(model):
    model.raise_("error", 0)
    model.say("resolve", 1)
    model.raise_("score", 20)
    assert model.hush(21, until=90) == [("silenced", False)]
    assert model.changes[-1].incident.incident_id == model.incidents[1].incident_id
    assert model.raise_("error", 30, number=1) == [("reopened", False), ("silenced", False)]
    model.say("resolve", 31)
    assert model.raise_("error", 32, number=2) == [("reopened", False)], "it is silenced as it was"
    assert model.pass_(90) == [("silence_ended", True), ("silence_ended", True)]


def test_a_silence_of_a_cause_may_be_made_longer_or_ended_early(model):
    assert model.hush(0, until=0) == []
    assert model.held.silence is None, "what is over already is none"
    model.hush(0, until=10)
    model.raise_("error", 1)
    assert model.hush(2, until=10, by="bob") == []
    assert model.hush(3, until=20, by="bob") == [("silenced", False)]
    assert model.pass_(10) == []
    assert model.hush(11, until=11, by="eve") == [("silenced", False)]
    assert model.changes[-1].by == "eve"
    assert model.pass_(11) == [("silence_ended", True)]
    assert model.raise_("score", 12) == [("opened", True)], "people are told again"


def test_an_incident_and_its_cause_are_silenced_each_for_its_own_time(model):
    model.raise_("error", 0)
    model.say("silence", 1, until=60)
    model.hush(2, until=30)
    model.hush(3, until=3)
    assert model.pass_(30) == [], "its own silence lasts"
    assert model.incidents[0].quiet_until_ms == 60 * MINUTE
    model.hush(31, until=90)
    model.say("silence", 40, until=40)
    assert model.pass_(60) == [], "that of its cause lasts"
    assert model.pass_(90) == [("silence_ended", True)]


def test_incidents_that_were_kept_before_causes_had_silences_are_read(model):
    model.raise_("error", 0)
    kept = orjson.loads(model.held.body())["each"]
    del kept[0]["hushed_until_ms"]
    assert Incidents.restored(orjson.dumps(kept)) == model.held


def test_a_person_resolves_whatever_the_signals_say(model):
    model.raise_("error", 0)
    assert model.say("resolve", 1) == [("resolved", True)]
    assert model.changes[-1].by == "ada"
    assert model.clear("error", 2) == []
    assert model.say("ack", 3) == [], "it is over"


def test_of_an_incident_that_is_none_nobody_can_say_anything(model):
    with pytest.raises(UnknownIncident, match="model-signals-0-9"):
        take_command(Incidents(), Commanded("model-signals-0-9", "ack", "ada", "", None), 0)


SUBJECTS = st.sampled_from(["error", "score", "label"])
NUMBERS = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("raise"), SUBJECTS, NUMBERS),
        st.tuples(st.just("clear"), SUBJECTS, NUMBERS),
        st.tuples(st.just("ack"), st.integers(0, 2), st.sampled_from(["ada", "bob"])),
        st.tuples(st.just("resolve"), st.integers(0, 2), st.just("ada")),
        st.tuples(st.just("silence"), st.integers(0, 2), st.integers(0, 60)),
        st.tuples(st.just("hush"), st.none(), st.integers(0, 60)),
        st.tuples(st.just("time"), st.integers(1, 40), st.none()),
    ),
    max_size=40,
)


def take(model, step, at):
    """Take one step in, at its time."""
    verb, what, how = step
    if verb == "raise":
        model.raise_(what, at, number=how)
    elif verb == "clear":
        model.clear(what, at, number=how)
    elif verb in ("ack", "resolve") and what < len(model.incidents):
        model.say(verb, at, incident=what, by=how)
    elif verb == "silence" and what < len(model.incidents):
        model.say("silence", at, incident=what, until=at + how)
    elif verb == "hush":
        model.hush(at, until=at + how)


def fold(steps, *, is_shaken):
    """Take steps in, a minute apart or more; shaken: restarted, and each step again."""
    model, at = Model(), 0
    for step in steps:
        at += step[1] if step[0] == "time" else 1
        model.pass_(at)
        take(model, step, at)
        model.pass_(at)
        if is_shaken:
            before, places = len(model.changes), model.places
            model.restart()
            take(model, step, at)
            model.pass_(at)
            model.places = places
            assert len(model.changes) == before, "what is taken in again changes nothing"
    return model, at


def as_told(changes):
    return [(each.alert_id, each.change, each.at_ms, each.by, each.is_told) for each in changes]


@given(STEPS)
def test_restarts_and_repeats_neither_lose_nor_double_a_change(steps):
    plain, _ = fold(steps, is_shaken=False)
    again, _ = fold(steps, is_shaken=True)
    assert as_told(again.changes) == as_told(plain.changes)


@given(STEPS)
def test_the_changes_of_an_incident_are_numbered_without_a_gap(steps):
    model, _ = fold(steps, is_shaken=True)
    numbers = {}
    for each in model.changes:
        incident = each.incident
        assert incident.number == numbers.get(incident.incident_id, 0) + 1
        numbers[incident.incident_id] = incident.number


@given(STEPS)
def test_while_a_cause_is_silenced_nobody_is_told_of_it(steps):
    model, at = Model(), 0
    for step in steps:
        at += step[1] if step[0] == "time" else 1
        model.pass_(at)
        before, is_silenced = len(model.changes), model.held.silence is not None
        take(model, step, at)
        if is_silenced:
            assert not any(each.is_told for each in model.changes[before:])
        assert all(
            each.hushed_until_ms == (model.held.silence and model.held.silence.until_ms)
            for each in model.incidents
            if not each.is_resolved
        ), "what goes on is silenced exactly while its cause is"


@given(STEPS)
def test_whoever_hears_what_is_told_knows_in_the_end_what_is_so(steps):
    model, at = fold(steps, is_shaken=False)
    model.pass_(at + 120)  # all silences are over, and what has grown is told
    told = {}
    for each in model.changes:
        if each.is_told:
            told[each.incident.incident_id] = each.incident
    for each in model.incidents:
        heard = told.get(each.incident_id)
        if each.is_active:
            assert heard is not None
            assert not heard.is_resolved
            assert {s for s, w in each.signals.items() if w.is_active} <= set(heard.signals)
        elif each.is_resolved and heard is not None:
            assert heard.is_resolved
