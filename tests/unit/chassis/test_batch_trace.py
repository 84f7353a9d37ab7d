"""What a stream tells of its batches, and how a trace goes through it."""

import logging

import pytest
from confluent_kafka import KafkaError

from headrace.chassis import logs
from headrace.chassis.metrics import Metrics
from headrace.chassis.records import Answer
from headrace.chassis.settings import StreamSettings
from headrace.chassis.stream import Stream
from headrace.chassis.tracing import CURRENT, Sampler
from support.counting import CountFormat, CountingHandler
from support.fake_kafka import FakeClients
from support.fake_kafka.errors import failure, requires_abort
from support.fake_kafka.faults import lose_answer, refuse
from support.stream_world import DEAD_LETTERS, INPUTS, OUTPUTS, TOPOLOGY, World
from support.traces import Remembered, hexadecimal

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PROCESS, BATCH = f"process {INPUTS}", f"process batch {INPUTS}"


class TracingHandler(CountingHandler):
    """As a service does: the answer goes on in the trace of what it answers."""

    def __call__(self, received, view, stages):
        handled = super().__call__(received, view, stages)
        traces = {each.key: each.trace for each in received}
        handled.outgoing[:] = [
            each._replace(answers=answers(traces[each.keys[0]])) for each in handled.outgoing
        ]
        return handled


def answers(trace):
    return {0: Answer(trace, {"answer": 42})} if trace else {}


@pytest.fixture
def world():
    world = World(partitions=1, batch_records=10)
    with world.alone():
        yield world


@pytest.fixture
def run(world):
    """Let a traced stream process records, each a key, a value and the header's last field."""

    def ran(*records, sampler=None, remembered=None, meeting=None, behaviour=None):
        process, remembered = "traced", remembered or Remembered(sampler or Sampler(0.0))
        producer = world.publisher.producer()
        for key, value, flags in records:
            headers = [("traceparent", f"00-{TRACE}-{SPAN}-{flags}".encode())] if flags else []
            producer.produce(INPUTS, value, key, headers=headers)
        stream = Stream(
            TOPOLOGY,
            CountFormat(),
            [TracingHandler(OUTPUTS)],
            FakeClients(world.kafka, process),
            StreamSettings(instance="a"),
            Metrics("counting"),
            remembered.telemetry,
            lambda: world.kafka.now_ms,
        )
        stream.open()
        if meeting:
            refused = refuse(requires_abort(KafkaError._INCONSISTENT, "refused once"))
            world.kafka.faults.plan(meeting, behaviour or refused, skip=0, process=process)
        for _ in range(40):
            stream.step()
        stream.close()
        return remembered

    return ran


def headers_of(world, topic):
    return {message.key(): dict(message.headers() or ()) for message in world.kafka.records(topic)}


def linked(span):
    return {link.context.span_id for link in span.links}


def test_a_sampled_record_is_processed_and_answered_in_its_trace(world, run):
    remembered = run((b"a", b"{}", "01"))
    (processed,) = remembered.named(PROCESS)
    (sent,) = remembered.named(f"send {OUTPUTS}")
    assert hexadecimal(processed)[::2] == (TRACE, SPAN)
    assert hexadecimal(sent)[::2] == (TRACE, hexadecimal(processed)[1])
    onwards = headers_of(world, OUTPUTS)[b"a"]["traceparent"]
    assert onwards == f"00-{TRACE}-{hexadecimal(sent)[1]}-01".encode()
    assert dict(processed.attributes) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": INPUTS,
        "messaging.destination.partition.id": "0",
        "messaging.kafka.offset": 0,
        "messaging.consumer.group.name": TOPOLOGY.group,
        "headrace.batch": hexadecimal(remembered.named(BATCH)[0])[0],
        "answer": 42,
    }


def test_the_batch_and_its_recorded_records_are_linked_both_ways(run):
    remembered = run((b"a", b"{}", "01"), (b"b", b"{}", ""), (b"c", b"{}", "01"))
    (batch,) = remembered.named(BATCH)
    processed = remembered.named(PROCESS)
    assert linked(batch) == {span.context.span_id for span in processed}
    assert all(linked(span) == {batch.context.span_id} for span in processed)
    assert batch.attributes["messaging.batch.message_count"] == 3
    assert batch.attributes["headrace.decode_us"] > 0


def test_one_that_is_not_sampled_is_answered_in_its_trace_and_not_told(world, run):
    remembered = run((b"a", b"{}", "00"))
    onwards = headers_of(world, OUTPUTS)[b"a"]["traceparent"]
    assert onwards == f"00-{TRACE}-{SPAN}-00".encode()
    assert remembered.spans() == ()


def test_without_a_trace_nothing_is_written_and_nothing_is_told(world, run):
    assert run((b"a", b"{}", "")).spans() == ()
    assert headers_of(world, OUTPUTS)[b"a"] == {}


def test_a_trace_begins_with_a_record_that_has_none(run):
    (processed,) = run((b"a", b"{}", ""), sampler=Sampler(1.0)).named(PROCESS)
    assert processed.parent is None


def test_a_dead_letter_is_in_its_records_trace_and_says_why(world, run):
    remembered = run((b"a", b"{broken", "01"))
    (processed,) = remembered.named(PROCESS)
    (sent,) = remembered.named(f"send {DEAD_LETTERS}")
    assert processed.status.description == "undecodable"
    assert hexadecimal(sent)[::2] == (TRACE, hexadecimal(processed)[1])
    (letter,) = world.kafka.records(DEAD_LETTERS)
    assert f"00-{TRACE}-{hexadecimal(sent)[1]}-01".encode() in dict(letter.headers()).values()


def test_a_batch_that_is_done_again_is_told_once_and_its_failure_too(run):
    remembered = run((b"a", b"{}", "01"), meeting="send_offsets_to_transaction")
    failed, done = remembered.named(BATCH)
    assert not failed.status.is_ok
    assert done.status.is_ok
    assert len(remembered.named(PROCESS)) == 1


def test_a_batch_that_seemed_to_fail_and_did_not_is_told_twice_by_spans_of_their_own(run):
    lost = lose_answer(failure(KafkaError._TIMED_OUT, "no answer", retriable=False))
    remembered = run((b"a", b"{}", "01"), meeting="commit_transaction", behaviour=lost)
    failed, done = remembered.named(BATCH)
    assert failed.context.span_id != done.context.span_id
    assert (failed.status.is_ok, done.status.is_ok) == (False, True)
    (processed,) = remembered.named(PROCESS)
    assert linked(processed) == {done.context.span_id}


@pytest.mark.parametrize("flags", ["00", "01"])
def test_a_dead_letter_goes_on_in_its_trace_whether_recorded_or_not(world, run, flags):
    run((b"a", b"{broken", flags))
    (letter,) = world.kafka.records(DEAD_LETTERS)
    assert dict(letter.headers())["traceparent"].endswith(f"-{flags}".encode())


def test_a_state_as_large_as_a_record_stops_nothing(world, run):
    largest = min(world.kafka.max_message_bytes[topic] for topic in (INPUTS, OUTPUTS))
    producer = world.publisher.producer()
    parent = ("traceparent", f"00-{TRACE}-{SPAN}-01".encode())
    producer.produce(INPUTS, b"{}", b"a", headers=[parent, ("tracestate", b"x" * (largest - 200))])
    run((b"b", b"{}", ""))
    assert {*headers_of(world, OUTPUTS)} == {b"a", b"b"}


def test_a_log_line_of_a_batch_that_is_given_back_finds_its_span(run, monkeypatch):
    def failing(self, *arguments):
        CURRENT.get().named_by_log()
        raise MemoryError

    monkeypatch.setattr(CountingHandler, "__call__", failing)
    remembered = Remembered(Sampler(0.0))
    with pytest.raises(MemoryError):
        run((b"a", b"{}", ""), remembered=remembered)
    (batch,) = remembered.named(BATCH)
    assert batch.status.description == "MemoryError"


def test_a_log_line_names_the_batch_and_so_makes_it_told(run, capsys, monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])
    logs.log_as_json("counting")
    said = CountingHandler.__call__

    def handled(self, *arguments):
        logging.getLogger("headrace.test").warning("something")
        return said(self, *arguments)

    monkeypatch.setattr(CountingHandler, "__call__", handled)
    (batch,) = run((b"a", b"{}", "")).named(BATCH)
    trace_id, span_id, _ = hexadecimal(batch)
    line = next(line for line in capsys.readouterr().err.splitlines() if "something" in line)
    assert f'"trace_id":"{trace_id}","span_id":"{span_id}"' in line
