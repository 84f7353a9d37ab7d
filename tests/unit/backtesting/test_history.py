"""A use case's own events and labels: merged by time, and whatever is no event left out."""

from collections import Counter

import pytest

from headrace.backtesting.history import History, readable
from headrace.backtesting.record import run
from headrace.backtesting.told import Told
from headrace.labelling.domain import Label
from headrace.usecase.charter import Charter
from support.charter_texts import card_fraud
from unit.backtesting.conftest import DAY_MS, START_MS, recorded
from unit.backtesting.messages import Message, decode, message, received

NOW_MS = START_MS + 400 * DAY_MS


def charter_of(tmp_path, stage: str) -> Charter:
    path = tmp_path / f"{stage}.toml"
    text = card_fraud()
    for old, new in (
        ('stage = "live"', f'stage = "{stage}"'),
        ("freeze_every = 1_000", "freeze_every = 100"),
        ("trees = 5", "trees = 2"),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return Charter.load(path)


@pytest.fixture
def charter(tmp_path) -> Charter:
    return charter_of(tmp_path, "shadow")


def event(name: str, at_ms: int, **changes: object) -> dict:
    record = recorded(1)[0].record
    return {**record, "card_id": "card", "event_id": name, "occurred_at_ms": at_ms, **changes}


def label(
    name: str, day: int, *, value: bool = True, source: str = "chargeback", **changes
) -> dict:
    said = {"event_id": name, "key": "card", "source": source, "value": value, "kind": "label"}
    return {**said, "observed_at_ms": START_MS + day * DAY_MS, "revision": 1, **changes}


def heartbeat(source: str, day: int) -> dict:
    return label("", day, value=False, source=source, kind="heartbeat", key="", revision=0)


def told_of(charter: Charter, *labels: dict) -> Told:
    messages = [message(each, each["key"]) for each in labels]
    return Told(charter, received(*messages), Counter(), NOW_MS)


def history(
    charter: Charter, *partitions: list[Message], told: Told | None = None, **more
) -> History:
    left_out = Counter[str]()
    return History(
        charter,
        [readable(partition, decode, left_out) for partition in partitions],
        sum(map(len, partitions)),
        told or told_of(charter),
        left_out,
        more.pop("last_ms", START_MS),
        NOW_MS,
        **more,
    )


def of_card(*records: dict) -> list[Message]:
    return [message(record, "card") for record in records]


def ids(events: History) -> list[str]:
    return [each.record["event_id"] for each in events]


def test_the_events_of_all_partitions_come_in_the_order_of_their_times(charter) -> None:
    first = of_card(event("a", START_MS), event("c", START_MS + 20))
    second = of_card(event("b", START_MS + 10), event("d", START_MS + 30))
    assert ids(history(charter, first, second)) == ["a", "b", "c", "d"]


def test_what_is_further_behind_than_the_charter_waits_for_is_left_out_and_counted(charter) -> None:
    late = event("late", START_MS + DAY_MS)
    behind = event("behind", START_MS + DAY_MS - 1)
    first = event("first", START_MS + 2 * DAY_MS)
    events = history(charter, of_card(first, late, behind))
    assert ids(events) == ["first", "late"]
    assert events.left_out == {"too_late": 1}


def test_what_is_no_event_of_ours_is_left_out_and_counted(charter) -> None:
    ahead = event("ahead", NOW_MS + DAY_MS)
    messages = [
        Message((0, 0), b"card", b"no event"),
        Message((0, 1), b"card", None),
        Message((0, 2), b"\xff", message(event("no text", START_MS), "card").written),
        message(event("not its key's", START_MS), "another"),
        *of_card(event("faulty", START_MS, amount_minor=-1), ahead, event("right", START_MS)),
    ]
    events = history(charter, messages)
    assert ids(events) == ["right"]
    assert events.left_out == {
        "undecodable": 1,
        "null_value": 1,
        "key_mismatch": 2,
        "invalid_value": 1,
        "future": 1,
    }


def test_an_event_has_all_its_labels_and_its_bytes(charter) -> None:
    told = told_of(charter, label("a", 20), label("a", 90, value=False, source="correction"))
    messages = of_card(event("a", START_MS), event("b", START_MS))
    first, second = history(charter, messages, told=told)
    assert first.labels == [
        Label("chargeback", True, START_MS + 20 * DAY_MS, 1),
        Label("correction", False, START_MS + 90 * DAY_MS, 1),
    ]
    assert second.labels == ()
    assert first.value == messages[0].value()
    assert (first.is_positive, first.may_be_positive, second.may_be_positive) == (None, True, False)


def test_labels_that_labelling_would_give_up_do_not_count(charter) -> None:
    left_out = Counter[str]()
    strange = [
        message(label("a", 1, source="hearsay"), "card"),
        message(label("a", 500), "card"),
        message(label("a", 1, kind="rumour"), "card"),
        message(label("a", 1), "another"),
    ]
    told = Told(charter, received(*strange), left_out, NOW_MS)
    assert told.of("card", "a") == ()
    assert left_out == {"unknown_source": 1, "future": 1, "invalid_value": 1, "key_mismatch": 1}


def test_all_is_known_until_the_slowest_source_s_word_or_until_the_last_event(charter) -> None:
    assert told_of(charter, label("a", 20)).until_ms == 0
    told = told_of(
        charter,
        label("a", 20),
        *(heartbeat(source, day) for source, day in (("analyst", 90), ("appeal", 80))),
        heartbeat("chargeback", 85),
        heartbeat("correction", 1),
    )
    assert told.until_ms == START_MS + 80 * DAY_MS
    assert history(charter, told=told).known_until_ms == START_MS + 80 * DAY_MS
    assert history(charter, last_ms=START_MS + 7).known_until_ms == START_MS + 7


def test_no_more_events_than_wanted(charter) -> None:
    messages = of_card(*(event(str(n), START_MS + n) for n in range(10)))
    events = history(charter, messages, limit=3)
    assert (events.rows, ids(events)) == (3, ["0", "1", "2"])


def record_of(charter: Charter, messages: list[Message], told: Told):
    return run(charter, history(charter, messages, told=told), lambda *_: True, lambda _: None)


def beating(day: int) -> list[dict]:
    return [heartbeat(source, day) for source in ("analyst", "appeal", "chargeback")]


def test_an_event_is_measured_by_what_it_is_held_to_be_at_the_end(charter) -> None:
    names = ["fraud", "cleared", "undisputed", "too young"]
    days = [0, 1, 2, 30]
    messages = of_card(*(event(n, START_MS + d * DAY_MS) for n, d in zip(names, days, strict=True)))
    told = told_of(
        charter,
        label("fraud", 20),
        label("cleared", 20),
        label("cleared", 60, value=False, source="correction"),
        *beating(70),
    )
    record = record_of(charter, messages, told)
    assert record.event_ids == names
    assert record.is_positive.tolist() == [True, False, False, False]
    assert record.is_known.tolist() == [True, True, True, False]
    known_days = (record.known_at_ms[:3] - START_MS) // DAY_MS
    assert known_days.tolist() == [20, 60, 63]


def test_models_learn_from_real_labels_and_not_before_they_were_observed(charter) -> None:
    records = [
        {**each.record, "card_id": "card", "amount_minor": 60_000 if each.is_positive else 1_000}
        for each in recorded(600, days=30)
    ]
    frauds = [each["event_id"] for each in records if each["amount_minor"] == 60_000]
    told = told_of(charter, *(label(name, 35) for name in frauds), *beating(100))
    (version,) = set(record_of(charter, of_card(*records), told).versions.values())
    assert version == charter.model.version
    last = event("last", START_MS + 100 * DAY_MS)
    later = record_of(charter, of_card(*records, last), told)
    assert set(later.versions.values()) == {charter.model.version, "600"}
    assert later.is_positive.sum() == len(frauds)


def test_what_was_stopped_and_nobody_can_speak_of_is_not_measured(tmp_path) -> None:
    live = charter_of(tmp_path, "live")
    stopped = event("stopped", START_MS, amount_minor=400_000)
    messages = of_card(stopped, event("let through", START_MS + 1))
    record = record_of(live, messages, told_of(live, label("stopped", 20), *beating(70)))
    assert record.is_known.tolist() == [False, True]
