"""From messages to records: what cannot be decoded is dead, with its reason."""

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, Message

from headrace.chassis.batch import RECORDED_MOST, Dead, decode, positions
from headrace.chassis.headers import read_headers
from headrace.chassis.tracing import Sampler
from headrace.contracts.codec import Undecodable
from headrace.contracts.registry import RegistryUnavailable

UNSAMPLED = Sampler(0.0)
AT_MS = 1_700_000_000_000


def message(offset, key=b"key", value=b"value", partition=0):
    return Message(
        topic="events",
        partition=partition,
        offset=offset,
        key=key,
        value=value,
        timestamp=(TIMESTAMP_CREATE_TIME, AT_MS),
    )


def as_text(value):
    if value is None:
        raise Undecodable("null_value", "no value")
    if value == b"away":
        raise RegistryUnavailable("the registry is away")
    return {"text": value.decode()}


def test_a_record_that_decodes_is_received_with_its_bytes_and_place():
    received, dead, _ = decode([message(3, partition=1)], as_text, {}, UNSAMPLED)
    (event,) = received
    assert (event.partition, event.offset, event.key) == (1, 3, "key")
    assert (event.value, event.record) == (b"value", {"text": "value"})
    assert (event.timestamp_ms, event.trace) == (AT_MS, None)
    assert dead == []


def test_a_value_that_does_not_decode_is_dead_for_the_decoders_reason():
    received, dead, _ = decode([message(3, value=None)], as_text, {}, UNSAMPLED)
    assert received == []
    assert dead == [Dead(0, 3, "null_value", "no value")]


def test_a_missing_key_is_the_empty_text_which_the_handler_judges():
    received, _, _ = decode([message(3, key=None), message(4, key=b"")], as_text, {}, UNSAMPLED)
    assert [each.key for each in received] == ["", ""]


def test_a_key_that_is_no_text_is_dead_as_a_mismatch():
    received, dead, _ = decode([message(3, key=b"\xff")], as_text, {}, UNSAMPLED)
    assert received == []
    ((partition, offset, reason, detail),) = dead
    assert (partition, offset, reason) == (0, 3, "key_mismatch")
    assert detail.startswith("the key is no text")


def test_the_others_of_the_batch_keep_their_order():
    messages = [message(0), message(1, value=None), message(2), message(3, key=b"\xff"), message(4)]
    received, dead, _ = decode(messages, as_text, {}, UNSAMPLED)
    assert [each.offset for each in received] == [0, 2, 4]
    assert [each.offset for each in dead] == [1, 3]


def test_a_registry_that_is_away_is_no_fault_of_the_record():
    with pytest.raises(RegistryUnavailable):
        decode([message(0), message(1, value=b"away")], as_text, {}, UNSAMPLED)


def test_positions_are_behind_the_last_message_of_each_partition():
    messages = [message(3), message(7, partition=2), message(4), message(9, partition=2)]
    assert positions(messages) == {0: 5, 2: 10}


def carried(flags):
    return [("traceparent", f"00-{'a' * 32}-{'b' * 16}-{flags}".encode())]


def test_a_record_knows_its_trace():
    headers = {(0, 1): carried("00"), (0, 2): carried("01"), (0, 3): None}
    decoded = decode([message(n) for n in range(4)], as_text, headers, UNSAMPLED)
    traces = [each.trace for each in decoded.received]
    assert [trace and trace.is_recorded for trace in traces] == [None, False, True, None]
    assert decoded.traces == {(0, 1): traces[1], (0, 2): traces[2]}


def test_what_cannot_be_decoded_keeps_its_trace():
    headers = {(0, 7): carried("01")}
    decoded = decode([message(7, value=None)], as_text, headers, UNSAMPLED)
    assert [trace.is_recorded for trace in decoded.traces.values()] == [True]


def test_no_publisher_has_more_recorded_than_a_batch_can_bear():
    count = RECORDED_MOST + 20
    headers = {(0, n): carried("01") for n in range(count)}
    decoded = decode([message(n) for n in range(count)], as_text, headers, UNSAMPLED)
    assert [each.trace.is_recorded for each in decoded.received] == [
        *[True] * RECORDED_MOST,
        *[False] * 20,
    ]
    assert all(each.trace.is_sampled for each in decoded.received)
    begun = decode([message(n) for n in range(count)], as_text, {}, Sampler(1.0))
    assert len(begun.traces) == RECORDED_MOST


def test_headers_are_read_once_and_may_be_unreadable():
    class Unreadable:
        asked = 0

        def partition(self):
            return 3

        def offset(self):
            return 9

        def headers(self):
            self.asked += 1
            assert self.asked == 1, "the real one ends the process"
            raise SystemError

    headers = read_headers([message(0), Unreadable()])
    assert headers == {(3, 9): None}
