"""From messages to records: what cannot be decoded is dead, with its reason."""

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, Message

from headrace.chassis.batch import Dead, decode, positions
from headrace.chassis.records import Received
from headrace.chassis.tracing import Trace
from headrace.contracts.codec import Undecodable
from headrace.contracts.registry import RegistryUnavailable

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


def untraced(message):
    return None


def as_text(value):
    if value is None:
        raise Undecodable("null_value", "no value")
    if value == b"away":
        raise RegistryUnavailable("the registry is away")
    return {"text": value.decode()}


def test_a_record_that_decodes_is_received_with_its_bytes_and_place():
    received, dead, _ = decode([message(3, partition=1)], as_text, untraced)
    assert received == [Received(1, 3, "key", b"value", {"text": "value"}, AT_MS)]
    assert dead == []


def test_a_value_that_does_not_decode_is_dead_for_the_decoders_reason():
    received, dead, _ = decode([message(3, value=None)], as_text, untraced)
    assert received == []
    assert dead == [Dead(0, 3, "null_value", "no value")]


def test_a_missing_key_is_the_empty_text_which_the_handler_judges():
    received, _, _ = decode([message(3, key=None), message(4, key=b"")], as_text, untraced)
    assert [each.key for each in received] == ["", ""]


def test_a_key_that_is_no_text_is_dead_as_a_mismatch():
    received, dead, _ = decode([message(3, key=b"\xff")], as_text, untraced)
    assert received == []
    ((partition, offset, reason, detail),) = dead
    assert (partition, offset, reason) == (0, 3, "key_mismatch")
    assert detail.startswith("the key is no text")


def test_the_others_of_the_batch_keep_their_order():
    messages = [message(0), message(1, value=None), message(2), message(3, key=b"\xff"), message(4)]
    received, dead, _ = decode(messages, as_text, untraced)
    assert [each.offset for each in received] == [0, 2, 4]
    assert [each.offset for each in dead] == [1, 3]


def test_a_registry_that_is_away_is_no_fault_of_the_record():
    with pytest.raises(RegistryUnavailable):
        decode([message(0), message(1, value=b"away")], as_text, untraced)


def test_positions_are_behind_the_last_message_of_each_partition():
    messages = [message(3), message(7, partition=2), message(4), message(9, partition=2)]
    assert positions(messages) == {0: 5, 2: 10}


def test_a_record_knows_its_trace_and_those_that_are_recorded_are_noted():
    traces = {0: None, 1: trace(is_recorded=False), 2: trace(is_recorded=True)}
    messages = [message(0), message(1), message(2)]
    decoded = decode(messages, as_text, lambda each: traces[each.offset()])
    assert [each.trace for each in decoded.received] == [*traces.values()]
    assert decoded.traces == {(0, 2): traces[2]}


def test_what_cannot_be_decoded_keeps_its_trace():
    recorded = trace(is_recorded=True)
    decoded = decode([message(7, value=None)], as_text, lambda each: recorded)
    assert decoded.traces == {(0, 7): recorded}


def trace(*, is_recorded):
    return Trace("a" * 32, "b" * 16, "c" * 16, is_sampled=True, is_recorded=is_recorded)
