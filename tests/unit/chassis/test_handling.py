"""Handing a batch to the handler: whoever fails is found, and nobody else suffers for it."""

from collections import Counter

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from headrace.chassis.handling import handle
from headrace.chassis.records import Handled, Received
from headrace.chassis.stages import StageClock
from headrace.chassis.state import KeyedState
from support.counting import CountFormat, CountingHandler


class Spy(CountingHandler):
    """Counts like the counting handler, and how often it was called."""

    def __init__(self):
        super().__init__("outputs")
        self.calls = []

    def __call__(self, received, view, stages):
        self.calls.append([each.offset for each in received])
        handled = super().__call__(received, view, stages)
        handled.counts["duplicates"] += len(received)
        return handled


def batch(*records):
    return [
        Received(0, offset, key, b"", {"poison": kind == "poison", "reject": kind == "reject"}, 0)
        for offset, (key, kind) in enumerate(records)
    ]


def run(records, handler=None):
    state = KeyedState(CountFormat())
    handled, overlay = handle(handler or Spy(), batch(*records), state.overlay, StageClock())
    overlay.merge({0})
    counts = {key: value.n for _, key, value in state}
    return handled, counts, overlay


def test_a_batch_without_faults_is_handled_once():
    handler = Spy()
    handled, counts, _ = run([("a", ""), ("b", ""), ("a", "")], handler)
    assert handler.calls == [[0, 1, 2]]
    assert counts == {"a": 2, "b": 1}
    assert handled.rejected == []


def test_a_record_that_fails_alone_again_is_rejected_with_its_error():
    handled, counts, _ = run([("a", ""), ("a", "poison"), ("a", "")])
    ((received, reason, detail),) = handled.rejected
    assert (received.offset, reason, detail) == (1, "handler_failed", "ValueError: poison")
    assert counts == {"a": 2}


def test_outputs_and_counts_of_the_others_are_there_once_and_in_order():
    handled, _, overlay = run([("a", ""), ("b", "poison"), ("a", ""), ("c", ""), ("a", "poison")])
    assert [key for each in handled.outgoing for key in each.keys] == ["a", "a", "c"]
    assert [value for each in handled.outgoing[:2] for value in each.values] == [
        b'{"partition":0,"offset":0,"n":1}',
        b'{"partition":0,"offset":2,"n":2}',
    ]
    assert handled.counts == Counter(duplicates=3)
    assert [each.offset for each in overlay.changes] == [0, 2, 3]


def test_a_single_record_that_fails_is_tried_once_more():
    handler = Spy()
    run([("a", "poison")], handler)
    assert handler.calls == [[0], [0]]


def test_one_fault_costs_few_attempts():
    handler = Spy()
    run([("a", "poison" if offset == 700 else "") for offset in range(1_024)], handler)
    assert len(handler.calls) <= 1 + 2 * 10


def test_a_batch_of_nothing_but_faults_leaves_nothing_but_rejections():
    handled, counts, overlay = run([("a", "poison")] * 9)
    assert [each.received.offset for each in handled.rejected] == list(range(9))
    assert (handled.outgoing, counts, list(overlay.changes)) == ([], {}, [])


def test_what_a_failed_attempt_had_changed_is_forgotten():
    def half_way(received, view, stages):
        for each in received:
            count = view.get(0, each.key)
            count.n += 1
            view.change(0, each.key, 0, each.offset, count.n.to_bytes(8))
            if each.record["poison"]:
                raise ValueError
        return Handled([], [], Counter())

    _, counts, overlay = run([("a", ""), ("a", ""), ("a", "poison"), ("a", "")], half_way)
    assert counts == {"a": 3}
    assert [each.offset for each in overlay.changes] == [0, 1, 3]


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        MemoryError(),
        KafkaException(KafkaError(KafkaError._TRANSPORT)),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
@pytest.mark.parametrize("at_first", [True, False])
def test_what_is_no_records_fault_ends_the_process(error, at_first):
    def handler(received, view, stages):
        if not at_first and len(received) > 1:
            raise ValueError
        raise error

    with pytest.raises(type(error)):
        run([("a", ""), ("a", "")], handler)


def test_a_fault_that_does_not_come_again_rejects_nobody():
    class Once(CountingHandler):
        failed = False

        def __call__(self, received, view, stages):
            if not self.failed:
                self.failed = True
                raise ValueError
            return super().__call__(received, view, stages)

    handled, counts, _ = run([("a", ""), ("b", "")], Once("outputs"))
    assert handled.rejected == []
    assert counts == {"a": 1, "b": 1}


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["", "", "poison", "reject"])),
        max_size=24,
    )
)
def test_a_batch_comes_out_as_its_records_would_one_by_one(records):
    handled, counts, _ = run(records, CountingHandler("outputs"))
    good = [(key, offset) for offset, (key, kind) in enumerate(records) if not kind]
    assert counts == Counter(key for key, _ in good)
    assert [key for each in handled.outgoing for key in each.keys] == [key for key, _ in good]
    reasons = {each.received.offset: each.reason for each in handled.rejected}
    assert reasons == {
        offset: "handler_failed" if kind == "poison" else "invalid_value"
        for offset, (_, kind) in enumerate(records)
        if kind
    }
