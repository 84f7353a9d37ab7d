"""A dead letter holds the record whole where it can, and says where it cannot."""

from hashlib import sha256

import pytest
from confluent_kafka import Message

from headrace.chassis.batch import Dead
from headrace.chassis.deadletters import MOST_BYTES, dead_lettered
from headrace.chassis.headers import read_headers
from headrace.contracts.codec import Encoder
from headrace.contracts.schemas import load_schema
from headrace.contracts.topics import load_topics

NOW_MS = 1_750_000_000_000


def message(key=b"card-1", value=b"value", headers=None):
    return Message(
        topic="card-fraud.events",
        partition=2,
        offset=7,
        key=key,
        value=value,
        headers=headers,
        timestamp=(1, NOW_MS - 5),
    )


def letter(record, detail="what was wrong"):
    headers = read_headers([record]).get((2, 7), [])
    return dead_lettered(record, headers, Dead(2, 7, "invalid_value", detail), "scoring", NOW_MS)


def encoded(found):
    return Encoder(load_schema("platform/DeadLettered"), 1)(found)


def test_a_dead_letter_holds_the_record_its_place_and_the_reason():
    headers = [("traceparent", b"00-1"), ("traceparent", b"00-2"), ("empty", None)]
    assert letter(message(headers=headers)) == {
        "reason": "invalid_value",
        "detail": "what was wrong",
        "service": "scoring",
        "source_topic": "card-fraud.events",
        "source_partition": 2,
        "source_offset": 7,
        "source_timestamp_ms": NOW_MS - 5,
        "key": b"card-1",
        "value": b"value",
        "headers": [
            {"name": "traceparent", "value": b"00-1"},
            {"name": "traceparent", "value": b"00-2"},
            {"name": "empty", "value": None},
        ],
        "dead_lettered_at_ms": NOW_MS,
    }


def test_a_record_of_nothing_has_a_dead_letter_of_nothing():
    found = letter(message(key=None, value=None))
    assert (found["key"], found["value"], found["headers"]) == (None, None, [])
    assert encoded(found)


def test_the_detail_is_bounded():
    assert len(letter(message(), "x" * 10_000)["detail"]) == 500


def test_headers_that_cannot_be_read_are_left_out_and_the_detail_says_so():
    class Unreadable:
        """As confluent-kafka's where the name of a header is not UTF-8."""

        def __getattr__(self, name):
            return getattr(message(), name)

        def headers(self):
            raise SystemError("returned a result with an exception set")

    found = letter(Unreadable())
    assert (found["value"], found["headers"]) == (b"value", [])
    assert found["detail"] == "what was wrong; its headers are left out: a name is not UTF-8"


def test_a_record_of_the_largest_size_that_is_decoded_is_held_whole():
    value = b"v" * load_topics("any", "card-fraud/Transaction")["any.events"].max_record_bytes
    found = letter(message(key=b"k" * 65_536, value=value, headers=[("name", b"h" * 10_000)]))
    assert found["value"] == value
    assert len(found["key"]) == 65_536
    assert len(found["headers"]) == 1
    assert found["detail"] == "what was wrong"


def test_what_is_larger_is_cut_and_the_detail_tells_its_size_and_digest():
    value = b"v" * 3_000_000
    found = letter(message(value=value, headers=[("name", b"h")]))
    assert found["value"] == value[: len(found["value"])]
    assert (found["key"], found["headers"]) == (b"card-1", [])
    assert "1 headers are left out" in found["detail"]
    assert (
        f"the value's 3000000 bytes are here, SHA-256 {sha256(value).hexdigest()}"
        in (found["detail"])
    )


@pytest.mark.parametrize("key_bytes", [0, 65_536, 65_537, 1_000_000, 1_048_570, 1_110_000])
@pytest.mark.parametrize("value_bytes", [0, 1_048_576, 1_900_000, 2_097_152, 50_000_000])
@pytest.mark.parametrize("header_bytes", [0, 1_000_000])
def test_a_dead_letter_of_any_record_fits_into_its_topic(key_bytes, value_bytes, header_bytes):
    headers = [(f"{number}", b"h" * (header_bytes // 100)) for number in range(100)]
    found = letter(message(b"k" * key_bytes, b"v" * value_bytes, headers), "d" * 500)
    room = load_topics("any", "card-fraud/Transaction")["any.events.dlq"].max_record_bytes
    assert room == MOST_BYTES
    assert len(found["key"]) + len(encoded(found)) <= room
