"""Personal values stand in no log, metric or trace, and in dead letters only as raw bytes."""

import time
import uuid

import pytest

from support.collector import collecting
from support.running import scoring
from support.use_case import deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

CARD = "4711-0815-personal"
DISTANCE_KM = 48_151.623_4
NOW_MS = time.time_ns() // 1_000_000


def transaction(event_id: str, **fields):
    return {
        "event_id": event_id,
        "card_id": CARD,
        "merchant_id": "merchant-1",
        "amount_minor": 4_200,
        "currency": "EUR",
        "occurred_at_ms": NOW_MS,
        "distance_km": None,
        **fields,
    }


@pytest.fixture(scope="module")
def case(stack, tmp_path_factory):
    name, folder = f"test-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("personal")
    with deployed(name, folder) as case:
        yield case


@pytest.fixture(scope="module")
def said(case):
    """Let a card have a decision and every fault; returns what scoring logged, measured, traced."""
    encode = case.encoder("events")
    records = [
        (CARD, transaction("right")),
        (CARD, transaction("too-far", distance_km=DISTANCE_KM)),
        (CARD, transaction("right", amount_minor=1)),
        (CARD, transaction("wrong-amount", amount_minor=-1)),
        (f"{CARD}-x", transaction("other-key")),
        (CARD, transaction("long", card_id=CARD * 10)),
        (CARD * 10, transaction("long", card_id=CARD * 10)),
    ]
    case.publish((key, encode(record)) for key, record in records)
    case.publish([(CARD, b"\0\0\0\0\1" + CARD.encode())])
    with (
        collecting() as collector,
        scoring(case, HEADRACE_DEAD_LETTER_LIMIT="false", **collector.environment) as service,
    ):
        service.until(case.is_done)
        metrics = service.ask("/metrics").text
        assert service.stop() == 0
    assert len(collector.spans()) > len(records)
    spans = b"".join(collector.bodies).decode(errors="backslashreplace")
    return service.errors(), metrics, spans


def test_the_card_is_decided(case, said):
    assert [decision["key"] for decision in case.records("decisions")] == [CARD]


def test_no_log_no_metric_and_no_trace_says_it(said):
    for text in said:
        assert text
        assert CARD not in text
        assert str(DISTANCE_KM) not in text


def test_dead_letters_hold_it_as_raw_bytes_and_nowhere_else(case, said):
    letters = case.records("events.dlq")
    assert {letter["reason"] for letter in letters} >= {
        "invalid_value",
        "id_conflict",
        "key_mismatch",
    }
    assert len(letters) == 7
    for letter in letters:
        raw = {name: letter.pop(name) for name in [*letter] if isinstance(letter[name], bytes)}
        assert any(CARD.encode() in value for value in raw.values()), letter
        assert CARD not in repr(letter)
        assert str(DISTANCE_KM) not in repr(letter)
