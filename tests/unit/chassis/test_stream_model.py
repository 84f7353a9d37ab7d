"""Whatever goes wrong, and whenever: each input is counted once, in the order of its key.

Hypothesis drives real streams on the fake broker: it publishes, steps, kills, restarts, expels,
adds and removes instances, loses answers and fails calls. What must have come of it is a fold
over the input log, and must be so at every moment, not only at the end.
"""

from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from types import ModuleType
from typing import Any, NamedTuple, cast
from unittest.mock import patch

import orjson
from confluent_kafka import KafkaError, Message
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from headrace.chassis import assignment, reading, stream, table, transactor
from headrace.chassis.metrics import Metrics
from headrace.chassis.settings import StreamSettings
from headrace.chassis.stream import Stream
from headrace.errors import HeadraceError
from support.counting import CountFormat, CountingHandler, counting_topology
from support.fake_kafka import (
    CrashNow,
    FakeClients,
    FakeKafka,
    crash_after,
    crash_before,
    lose_answer,
    meanwhile,
    refuse,
)
from support.fake_kafka.errors import failure, fenced, requires_abort, timed_out
from support.fake_kafka.faults import Behaviour, Operation

TOPOLOGY = counting_topology("model")
INPUTS = TOPOLOGY.source.topic
OUTPUTS = "model.outputs"
DEAD_LETTERS = TOPOLOGY.dead_letters.topic
CHANGELOG = TOPOLOGY.changelog.topic
CLOCKED: tuple[ModuleType, ...] = (assignment, reading, stream, table, transactor)

VALUES = {
    b"{}": None,
    b'{"poison": true}': "handler_failed",
    b'{"reject": true}': "invalid_value",
    b"\xff": "undecodable",
    None: "null_value",
}
"""Each kind of input value and the reason with which it is dead-lettered, if it is."""

Records = list[tuple[bytes, bytes | None]]


class Crash(NamedTuple):
    """Where a process is killed."""

    operation: Operation
    behaviour: Behaviour


class Failure(NamedTuple):
    """Which call fails, and how."""

    operation: Operation
    error: Exception


CRASHES = [
    Crash("init_transactions", crash_before()),
    Crash("init_transactions", crash_after()),
    Crash("assign", crash_after()),
    Crash("committed", crash_after()),
    Crash("list_offsets", crash_after()),
    Crash("poll", crash_after()),
    Crash("consume", crash_after()),
    Crash("begin_transaction", crash_after()),
    Crash("produce", crash_after()),
    Crash("send_offsets_to_transaction", crash_before()),
    Crash("send_offsets_to_transaction", crash_after()),
    Crash("commit_transaction", crash_before()),
    Crash("commit_transaction", crash_after()),
]
CLASSES = [
    timed_out(),
    failure(KafkaError._TRANSPORT, "the broker is away"),
    fenced("planned"),
    requires_abort(KafkaError.INVALID_TXN_STATE, "planned"),
]
FAILURES = [
    Failure("init_transactions", timed_out()),
    Failure("produce", fenced("planned")),
    Failure("produce", requires_abort(KafkaError.UNKNOWN_PRODUCER_ID, "planned")),
    *(Failure("send_offsets_to_transaction", error) for error in CLASSES),
    *(Failure("commit_transaction", error) for error in CLASSES),
    Failure("committed", timed_out()),
    Failure("committed", failure(KafkaError._TRANSPORT, "the broker is away")),
]
MOMENTS: list[Operation] = [
    "poll",
    "consume",
    "committed",
    "list_offsets",
    "produce",
    "send_offsets_to_transaction",
    "commit_transaction",
    "assign",
]

NAMES = "abc"
WHICH = st.integers(0, 2)
STEPS = st.integers(1, 6)
SKIP = st.sampled_from([0, 0, 0, 1, 2, 3, 5, 8])
KEYS = st.sampled_from([b"k1", b"k2", b"k3", b"k4", b"k5"])
RECORDS = st.lists(
    st.tuples(KEYS, st.sampled_from([b"{}", b"{}", b"{}", *VALUES])), min_size=1, max_size=8
)


class Expected(NamedTuple):
    """What must have come of a partition's inputs up to an offset."""

    outputs: dict[str, list[tuple[int, int]]]
    """The (offset, n) of each key in order."""
    dead: list[tuple[int, str]]
    """Offset and reason."""

    @property
    def counts(self) -> dict[str, int]:
        return {key: said[-1][1] for key, said in self.outputs.items()}


class Instance:
    """One process that runs the stream."""

    serials = count()

    def __init__(self, kafka: FakeKafka, name: str, batch_records: int) -> None:
        self.process = f"{name}-{next(self.serials)}"
        self.clients = FakeClients(kafka, self.process)
        self.ended = False
        self.stream = Stream(
            TOPOLOGY,
            CountFormat(),
            CountingHandler(OUTPUTS),
            cast("Any", self.clients),
            StreamSettings(instance=name, batch_records=batch_records, dead_letter_limit=False),
            Metrics("counting"),
            lambda: kafka.now_ms,
        )

    def open(self) -> None:
        self._live(self.stream.open)

    def step(self) -> None:
        self._live(self.stream.step)

    def close(self) -> None:
        self.ended = True
        self.stream.close()

    def settled(self) -> dict[int, int]:
        """Return the offset that the state of each partition in hand reflects."""
        in_hand = self.stream._assignment
        return dict(in_hand.applied) if in_hand.fetching and not self.ended else {}

    def counts(self, partition: int) -> dict[str, int]:
        return {key: value.n for at, key, value in self.stream.state if at == partition}

    def _live(self, act: Callable[[], object]) -> None:
        if self.ended:
            return
        try:
            act()
        except CrashNow:
            self.ended = True
        except HeadraceError as error:
            # Fenced again and again: what the stream must say to a second process of its name.
            if not str(error).startswith("Another process"):
                raise
            self.close()


some_run = precondition(lambda self: self.instances)


class StreamMachine(RuleBasedStateMachine):
    """Streams, and everything that happens to them."""

    def __init__(self) -> None:
        super().__init__()
        self.kafka = FakeKafka()
        self.publisher = FakeClients(self.kafka, "publisher")
        self.instances: dict[str, Instance] = {}
        self.ghosts: list[Instance] = []
        self.patches = ExitStack()
        for module in CLOCKED:
            self.patches.enter_context(
                patch.object(module, "monotonic", lambda: self.kafka.now_ms / 1_000)
            )

    @initialize(partitions=st.integers(1, 3), fetch=st.integers(1, 5), batch=st.integers(1, 7))
    def set_up(self, partitions: int, fetch: int, batch: int) -> None:
        for topic in (INPUTS, OUTPUTS, DEAD_LETTERS, CHANGELOG):
            self.kafka.create_topic(topic, partitions)
        self.kafka.create_topic(TOPOLOGY.pauses.topic)
        self.kafka.fetch_records = fetch
        self.batch_records = batch
        self.start(0)

    @rule(records=RECORDS)
    def publish(self, records: Records) -> None:
        for key, value in records:
            self.publisher.producer().produce(INPUTS, value, key)

    @rule(records=RECORDS, committed=st.booleans())
    def publish_in_a_transaction(self, records: Records, committed: bool) -> None:
        """Leave markers, and records that nobody sees, between the inputs."""
        producer = self.publisher.transactional_producer("publisher")
        producer.init_transactions()
        producer.begin_transaction()
        for key, value in records:
            producer.produce(INPUTS, value, key)
        (producer.commit_transaction if committed else producer.abort_transaction)()

    @rule(which=WHICH)
    def start(self, which: int) -> None:
        """Start another instance, or one in place of one that was killed or has left."""
        free = [name for name in NAMES if name not in self.instances]
        if free:
            self.start_named(free[which % len(free)])

    @some_run
    @rule(which=WHICH, steps=STEPS)
    def work(self, which: int, steps: int) -> None:
        self.step(self.pick(which), steps)

    @some_run
    @rule(which=WHICH, records=RECORDS, point=st.sampled_from(CRASHES), skip=SKIP, steps=STEPS)
    def crash(self, which: int, records: Records, point: Crash, skip: int, steps: int) -> None:
        self.publish(records)
        self.meet(self.pick(which), point.operation, point.behaviour, skip, steps)

    @some_run
    @rule(which=WHICH, point=st.sampled_from(CRASHES), skip=SKIP)
    def crash_while_it_starts(self, which: int, point: Crash, skip: int) -> None:
        name = self.pick(which)
        self.instances.pop(name).clients.kill()
        self.kafka.faults.plan(point.operation, point.behaviour, skip=skip)
        self.start_named(name)
        self.step(name, 3)

    @some_run
    @rule(
        which=WHICH,
        records=RECORDS,
        what=st.sampled_from(FAILURES),
        lost=st.booleans(),
        skip=SKIP,
        steps=STEPS,
    )
    def fail_a_call(
        self, which: int, records: Records, what: Failure, lost: bool, skip: int, steps: int
    ) -> None:
        self.publish(records)
        behaviour = lose_answer(what.error) if lost else refuse(what.error)
        self.meet(self.pick(which), what.operation, behaviour, skip, steps)

    @some_run
    @rule(which=WHICH, records=RECORDS, skip=SKIP, steps=STEPS)
    def fill_the_queue(self, which: int, records: Records, skip: int, steps: int) -> None:
        """Let the producer refuse a record until the broker has taken others."""
        self.publish(records)
        behaviour = refuse(BufferError("Local: Queue full"))
        self.meet(self.pick(which), "produce", behaviour, skip, steps)

    @some_run
    @rule(
        which=WHICH,
        records=RECORDS,
        operation=st.sampled_from(MOMENTS),
        others_work=st.integers(0, 6),
        skip=SKIP,
        steps=STEPS,
    )
    def expel_in_the_middle(
        self,
        which: int,
        records: Records,
        operation: Operation,
        others_work: int,
        skip: int,
        steps: int,
    ) -> None:
        """Let it sleep past its session timeout within a call, while others take over."""
        name = self.pick(which)
        sleeping = self.instances[name]

        def sleep() -> None:
            sleeping.clients.expire()
            for other in list(self.instances.values()) * others_work:
                if other is not sleeping:
                    other.step()

        self.publish(records)
        self.meet(name, operation, meanwhile(sleep), skip, steps)

    @some_run
    @rule(which=WHICH, records=RECORDS, operation=st.sampled_from(MOMENTS), skip=SKIP, steps=STEPS)
    def expire_in_the_middle(
        self, which: int, records: Records, operation: Operation, skip: int, steps: int
    ) -> None:
        """Let it sleep past its transaction timeout within a call."""
        self.publish(records)
        behaviour = meanwhile(self.kafka.expire_transactions)
        self.meet(self.pick(which), operation, behaviour, skip, steps)

    @some_run
    @rule(which=WHICH)
    def expel(self, which: int) -> None:
        self.instances[self.pick(which)].clients.expire()

    @some_run
    @rule(which=WHICH)
    def kill(self, which: int) -> None:
        self.instances.pop(self.pick(which)).clients.kill()

    @some_run
    @rule(which=WHICH)
    def leave(self, which: int) -> None:
        self.instances.pop(self.pick(which)).close()

    @some_run
    @rule(which=WHICH)
    def replace(self, which: int) -> None:
        """Start a successor of the same name while the old process lives on, expelled."""
        name = self.pick(which)
        self.instances[name].clients.expire()
        self.ghosts.append(self.instances.pop(name))
        self.start_named(name)

    @precondition(lambda self: self.ghosts)
    @rule(steps=STEPS)
    def haunt(self, steps: int) -> None:
        for ghost in self.ghosts * steps:
            ghost.step()

    @rule()
    def expire_transactions(self) -> None:
        self.kafka.expire_transactions()

    @rule()
    def compact(self) -> None:
        self.kafka.compact(CHANGELOG)

    @invariant()
    def what_is_committed_is_exactly_what_its_inputs_ask_for(self) -> None:
        for partition, offset in self.committed().items():
            expected = self.expected(partition, offset)
            assert self.outputs(partition) == expected.outputs
            assert self.dead(partition) == expected.dead
            assert self.changelog(partition) == expected.counts

    @invariant()
    def the_state_in_hand_is_what_its_inputs_ask_for(self) -> None:
        for instance in self.instances.values():
            for partition, offset in instance.settled().items():
                assert instance.counts(partition) == self.expected(partition, offset).counts

    def teardown(self) -> None:
        try:
            if hasattr(self, "batch_records"):
                self.come_to_rest()
        finally:
            self.patches.close()

    def come_to_rest(self) -> None:
        """Let the living finish; then let a new process restore what they leave."""
        for ghost in self.ghosts:
            ghost.clients.kill()
        self.finish()
        for instance in self.instances.values():
            instance.clients.kill()
        self.instances = {}
        self.finish()

    def finish(self) -> None:
        """Step until all inputs are counted and every partition is in settled hands."""
        for _ in range(300):
            if not self.instances:
                self.start(0)
            for name in list(self.instances):
                self.step(name, 1)
            if self.at_rest():
                break
        assert self.at_rest()
        self.what_is_committed_is_exactly_what_its_inputs_ask_for()
        self.the_state_in_hand_is_what_its_inputs_ask_for()

    def at_rest(self) -> bool:
        in_hand = [at for each in self.instances.values() for at in each.settled().items()]
        last = {m.partition(): (m.offset() or 0) + 1 for m in self.kafka.records(INPUTS)}
        committed = self.committed()
        return (
            len(in_hand) == len(committed)
            and dict(in_hand).keys() == committed.keys()
            and all(committed[partition] >= offset for partition, offset in last.items())
        )

    def start_named(self, name: str) -> None:
        self.instances[name] = Instance(self.kafka, name, self.batch_records)
        self.instances[name].open()
        self.bury()

    def pick(self, which: int) -> str:
        return sorted(self.instances)[which % len(self.instances)]

    def meet(
        self, name: str, operation: Operation, behaviour: Behaviour, skip: int, steps: int
    ) -> None:
        """Step an instance; it meets the fault if it comes to that call."""
        process = self.instances[name].process
        self.kafka.faults.plan(operation, behaviour, skip=skip, process=process)
        self.step(name, steps)

    def step(self, name: str, steps: int) -> None:
        if name in self.instances:
            for _ in range(steps):
                self.instances[name].step()
        self.kafka.faults.clear()
        self.bury()

    def bury(self) -> None:
        self.instances = {name: each for name, each in self.instances.items() if not each.ended}

    def committed(self) -> dict[int, int]:
        committed = {log.partition: 0 for log in self.kafka.topics.get(INPUTS, [])}
        for at in self.kafka.committed(TOPOLOGY.group, INPUTS):
            committed[at.partition] = at.offset
        return committed

    def expected(self, partition: int, end: int) -> Expected:
        expected = Expected({}, [])
        for message in self.kafka.records(INPUTS):
            offset = message.offset() or 0
            if message.partition() != partition or offset >= end:
                continue
            reason = VALUES[message.value()]
            if reason is not None:
                expected.dead.append((offset, reason))
            else:
                said = expected.outputs.setdefault(_key(message), [])
                said.append((offset, len(said) + 1))
        return expected

    def outputs(self, partition: int) -> dict[str, list[tuple[int, int]]]:
        outputs = defaultdict(list)
        for message in self.kafka.records(OUTPUTS):
            said = orjson.loads(message.value() or b"")
            if said["partition"] == partition:
                outputs[_key(message)].append((said["offset"], said["n"]))
        return dict(outputs)

    def dead(self, partition: int) -> list[tuple[int, str]]:
        letters = [orjson.loads(m.value() or b"") for m in self.kafka.records(DEAD_LETTERS)]
        return sorted(
            (letter["source_offset"], letter["reason"])
            for letter in letters
            if letter["source_partition"] == partition
        )

    def changelog(self, partition: int) -> dict[str, int]:
        counts = {}
        for message in self.kafka.records(CHANGELOG):
            if message.partition() == partition:
                entry = TOPOLOGY.changelog.decode(message.value())
                counts[_key(message).removesuffix("#0")] = int.from_bytes(entry["body"])
        return counts


def _key(message: Message) -> str:
    return (message.key() or b"").decode()


TestStreamModel = StreamMachine.TestCase
TestStreamModel.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, print_blob=True
)
