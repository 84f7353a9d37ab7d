"""Who lives, who is missing, and who gives up too much."""

from headrace.alerting.causes import Cleared, Raised
from headrace.alerting.services import Roll, hear
from headrace.usecase.alerting import Alerting

RULES = Alerting(missing_after="1m", dead_letter_share=0.1)


def heartbeat(at_s, instance="a", *, state="running", started_s=0, records=0, dead=0):
    return {
        "service": "scoring",
        "instance": instance,
        "state": state,
        "started_at_ms": started_s * 1_000,
        "sent_at_ms": at_s * 1_000,
        "records": records,
        "dead_letters": dead,
    }


def heard(roll, at_s, *args, **kwargs):
    return hear(roll, heartbeat(at_s, *args, **kwargs), at_s * 1_000, RULES, f"heartbeats-0-{at_s}")


def kinds(found):
    return [(type(each), each.kind, each.subject) for each in found]


def test_a_service_that_falls_silent_is_missed_once_and_no_more_when_it_returns():
    roll = Roll()
    assert heard(roll, 0) == []
    assert heard(roll, 30, "b") == []
    assert heard(roll, 60, "b") == []
    [missed] = heard(roll, 61, "b")
    assert missed == Raised(
        "silence",
        "scoring/a",
        "silence/scoring/a@heartbeats-0-61",
        "nothing was heard of scoring/a for 61 s",
        "heartbeats-0-61",
    )
    assert heard(roll, 62, "b") == []
    assert kinds(heard(roll, 63, "a")) == [(Cleared, "silence", "scoring/a")]


def test_nobody_misses_who_has_left():
    roll = Roll()
    heard(roll, 0)
    heard(roll, 1, state="left")
    assert [each for at_s in range(0, 200, 20) for each in heard(roll, at_s, "b")] == []


def test_who_catches_up_with_a_day_of_signs_of_life_finds_nobody_missing():
    roll = Roll()
    roll.pass_time(86_400_000, 86_400_000)  # another input was read ahead
    for at_s in range(0, 86_400, 30):
        assert [each for each in heard(roll, at_s) if each.kind == "silence"] == []


def test_dead_letters_are_told_by_their_share_of_what_was_read_in_a_minute():
    roll = Roll()
    heard(roll, 0, records=0)
    assert heard(roll, 30, records=100, dead=50) == [], "the minute is not over"
    [raised] = heard(roll, 60, records=1_000, dead=101)
    assert raised.kind == "dead_letters"
    assert raised.summary == "scoring/a has given up 101 of 1,000 records"
    assert heard(roll, 120, records=1_000, dead=101) == [], "nothing came, so nothing is known"
    assert kinds(heard(roll, 180, records=2_000, dead=102)) == [
        (Cleared, "dead_letters", "scoring/a")
    ]


def test_a_restarted_instance_counts_from_nothing():
    roll = Roll()
    heard(roll, 0, records=10_000, dead=9_000)
    heard(roll, 30, started_s=20, records=5, dead=0)
    found = heard(roll, 90, started_s=20, records=100, dead=1)
    assert kinds(found) == [(Cleared, "dead_letters", "scoring/a")]


def test_what_was_silent_for_a_week_is_forgotten():
    roll = Roll()
    heard(roll, 0)
    found = [each for at_s in range(30, 8 * 86_400, 30) for each in heard(roll, at_s, "b")]
    assert kinds(each for each in found if each.subject == "scoring/a") == [
        (Raised, "silence", "scoring/a"),
        (Cleared, "silence", "scoring/a"),
        (Cleared, "dead_letters", "scoring/a"),
    ], "or its incident would last for ever"
    assert list(roll.instances) == ["scoring/b"]


def test_after_an_outage_of_the_broker_nobody_in_particular_is_missing():
    roll = Roll()
    for at_s, instance in ((0, "a"), (1, "b"), (600, "a"), (605, "b")):
        assert heard(roll, at_s, instance) == []
    missed = [each for at_s in range(620, 700, 20) for each in heard(roll, at_s, "a")]
    assert kinds(missed) == [(Raised, "silence", "scoring/b")]


def test_a_host_whose_clock_is_slow_is_not_silent():
    roll = Roll()
    for at_s in range(100, 1_000, 10):
        assert heard(roll, at_s, "a") == []
        slow = hear(roll, heartbeat(at_s, "b"), (at_s - 90) * 1_000, RULES, "heartbeats-0-1")
        assert [each for each in slow if each.kind == "silence"] == []


def test_the_time_never_goes_back_nor_ahead_of_the_clock():
    roll = Roll()
    assert roll.pass_time(1_000, 5_000) == 1_000
    assert roll.pass_time(500, 5_000) == 1_000
    assert roll.pass_time(9_000, 5_000) == 5_000


def test_the_roll_is_restored_from_its_bytes():
    roll = Roll(7, 3, 2)
    heard(roll, 0, records=4)
    assert Roll.restored(roll.body()) == roll == roll.copy()
