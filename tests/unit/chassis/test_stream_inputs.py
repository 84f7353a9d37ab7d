"""A stream that reads several topics: partition n of each changes partition n of the state.

Hypothesis decides what comes when, and what goes wrong; nothing is counted twice or passed over,
and what a key was forgotten for stays forgotten.
"""

from collections import Counter, defaultdict

import orjson
import pytest
from confluent_kafka import KafkaError, TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.chassis.metrics import Metrics
from headrace.chassis.records import Handled, Outgoing
from headrace.chassis.settings import StreamSettings
from headrace.chassis.stream import Stream
from headrace.chassis.topology import Input
from headrace.errors import HeadraceError
from support.counting import CountFormat, counting_topology, json_channel
from support.fake_kafka import CrashNow, FakeClients, FakeKafka, crash_after, lose_answer, refuse
from support.fake_kafka.errors import requires_abort, timed_out
from support.stream_world import alone
from support.traces import UNTRACED

NAMES = ("two.left", "two.right")
TOPOLOGY = counting_topology("two")._replace(
    inputs=[Input(json_channel(name), json_channel(f"{name}.dlq")) for name in NAMES]
)
OUTPUTS = "two.outputs"
PARTITIONS = 2
FAULTS = [
    ("commit_transaction", refuse(requires_abort(KafkaError.INVALID_TXN_STATE, "planned"))),
    ("commit_transaction", lose_answer(timed_out())),
    ("commit_transaction", crash_after()),
    ("produce", refuse(requires_abort(KafkaError.UNKNOWN_PRODUCER_ID, "planned"))),
    ("consume", crash_after()),
]


class Counting:
    """Counts the records of each key, of both inputs together; one may have a key forgotten."""

    def __init__(self, source):
        self._source = source

    def __call__(self, received, view, stages):
        handled = Handled([], [], Counter())
        for each in received:
            count = view.get(each.partition, each.key)
            count.n += 1
            if each.record.get("forget"):
                view.forget(each.partition, each.key, [0], each.offset)
            else:
                body = count.n.to_bytes(8)
                view.change(each.partition, each.key, 0, each.offset, body)
            said = [self._source, each.partition, each.offset, count.n]
            handled.outgoing.append(Outgoing(OUTPUTS, [each.key], [orjson.dumps(said)]))
        return handled


class Both:
    """A broker, two inputs, and one instance at a time."""

    def __init__(self):
        self.kafka, self.commits_at_once = FakeKafka(), False
        self.published = Counter()
        for name in (*NAMES, OUTPUTS, TOPOLOGY.changelog.topic, *(f"{n}.dlq" for n in NAMES)):
            self.kafka.create_topic(name, PARTITIONS)
        self.kafka.create_topic(TOPOLOGY.pauses.topic)
        self.starts = 0

    def start(self):
        self.starts += 1
        self.process = f"process-{self.starts}"
        self.clients = FakeClients(self.kafka, self.process)
        settings = StreamSettings(instance="a", batch_records=4, dead_letter_limit=False)
        handlers = [Counting(0), Counting(1)]
        self.stream = Stream(
            TOPOLOGY,
            CountFormat(),
            handlers,
            self.clients,
            settings,
            Metrics("counting"),
            UNTRACED,
            lambda: self.kafka.now_ms,
        )
        self.stream.open()

    def publish(self, source, key, forget):
        value = b'{"forget": true}' if forget else b"{}"
        FakeClients(self.kafka, "publisher").producer().produce(NAMES[source], value, key)
        self.published[source] += 1

    def step(self, steps):
        try:
            for _ in range(steps):
                self.stream.step()
        except CrashNow:
            self.clients.kill()
            self.start()

    def said(self):
        return [orjson.loads(each.value()) for each in self.kafka.records(OUTPUTS)]

    def come_to_rest(self):
        self.kafka.faults.clear()
        for _ in range(400):
            self.step(1)
            if len(self.said()) >= self.published.total() and self.stream._assignment.fetching:
                break
        self.stream._finish()

    def counts(self):
        return {(p, key): value.n for p, key, value in self.stream.state}


STEPS = st.one_of(
    st.tuples(st.just("publish"), st.integers(0, 1), st.sampled_from("abcd"), st.booleans()),
    st.tuples(st.just("step"), st.integers(1, 5)),
    st.tuples(st.just("fault"), st.sampled_from(FAULTS), st.integers(0, 2)),
)


@settings(max_examples=150)
@given(steps=st.lists(STEPS, max_size=40))
def test_each_record_of_each_input_counts_once_whatever_goes_wrong(steps):
    both = Both()
    with alone(both):
        both.start()
        for what, *how in steps:
            if what == "publish":
                both.publish(*how)
            elif what == "step":
                both.step(*how)
            else:
                (operation, behaviour), skip = how
                both.kafka.faults.clear()  # two on one commit would contradict each other
                both.kafka.faults.plan(operation, behaviour, skip=skip, process=both.process)
        both.come_to_rest()
        said = both.said()
        places = [tuple(each[:3]) for each in said]
        assert len(set(places)) == len(places) == both.published.total()
        expected = expected_counts(both, said)
        assert both.counts() == expected
        both.stream.close()
        both.start()
        both.step(40)
        assert both.counts() == expected, "what is restored"
        both.stream.close()


def expected_counts(both, said):
    """What the state must be: the outputs of a partition, in order, count each key on from 1."""
    keys = [each.key().decode() for each in both.kafka.records(OUTPUTS)]
    forgets = {
        (NAMES.index(name), each.partition(), each.offset()): b"forget" in each.value()
        for name in NAMES
        for each in both.kafka.records(name)
    }
    counts = defaultdict(int)
    for key, (source, partition, offset, n) in zip(keys, said, strict=True):
        counts[partition, key] += 1
        assert n == counts[partition, key]
        if forgets[source, partition, offset]:
            del counts[partition, key]
    return dict(counts)


def test_partitions_that_do_not_match_are_refused():
    both = Both()
    told = [TopicPartition("two.left", 0), TopicPartition("two.right", 1)]
    with alone(both):
        both.start()
        with pytest.raises(
            HeadraceError, match=r"other partitions of two\.left than of two\.right"
        ):
            both.stream._assignment._on_assign(both.stream._assignment.consumer, told)
