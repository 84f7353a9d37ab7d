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

from headrace.chassis import assignment, pauses, reading, stream, transactor
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
CLOCKED: tuple[ModuleType, ...] = (assignment, pauses, reading, stream, transactor)

VALUES = {
    b"{}": None,
    b'{"poison": true}': "handler_failed",
    b'{"reject": true}': "invalid_value",
    b"\xff": "undecodable",
    None: "null_value",
}
"""Each kind of input value and the reason with which it is dead-lettered, if it is."""

STEPS = st.integers(1, 6)
NAMES = st.sampled_from("abc")
KEYS = st.sampled_from([b"k1", b"k2", b"k3", b"k4", b"k5"])
RECORDS = st.lists(
    st.tuples(KEYS, st.sampled_from([b"{}", b"{}", b"{}", *VALUES])), min_size=1, max_size=8
)
CRASH_POINTS: list[tuple[Operation, str]] = [
    ("init_transactions", "before"),
    ("init_transactions", "after"),
    ("assign", "after"),
    ("committed", "after"),
    ("list_offsets", "after"),
    ("poll", "after"),
    ("consume", "after"),
    ("begin_transaction", "after"),
    ("produce", "after"),
    ("send_offsets_to_transaction", "before"),
    ("send_offsets_to_transaction", "after"),
    ("commit_transaction", "before"),
    ("commit_transaction", "after"),
    ("abort_transaction", "before"),
    ("abort_transaction", "after"),
]
UNKNOWN = failure(KafkaError._TRANSPORT, "the broker is away")
FAILURES: list[tuple[Operation, Exception]] = [
    ("init_transactions", timed_out()),
    ("produce", BufferError("the queue is full")),
    ("produce", requires_abort(KafkaError.UNKNOWN_PRODUCER_ID, "planned")),
    ("produce", fenced("planned")),
    *(
        (operation, error)
        for operation in (
            "send_offsets_to_transaction",
            "commit_transaction",
            "abort_transaction",
        )
        for error in (
            timed_out(),
            UNKNOWN,
            fenced("planned"),
            requires_abort(KafkaError.INVALID_TXN_STATE, "planned"),
        )
    ),
    ("committed", timed_out()),
    ("committed", UNKNOWN),
]
ELSEWHERE: list[Operation] = [
    "poll",
    "consume",
    "committed",
    "list_offsets",
    "produce",
    "send_offsets_to_transaction",
    "commit_transaction",
    "assign",
]


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
        self.start("a")

    @rule(records=RECORDS)
    def publish(self, records: list[tuple[bytes, bytes | None]]) -> None:
        for key, value in records:
            self.publisher.producer().produce(INPUTS, value, key)

    @rule(records=RECORDS, committed=st.booleans())
    def publish_in_a_transaction(
        self, records: list[tuple[bytes, bytes | None]], committed: bool
    ) -> None:
        producer = self.publisher.transactional_producer("publisher")
        producer.init_transactions()
        producer.begin_transaction()
        for key, value in records:
            producer.produce(INPUTS, value, key)
        (producer.commit_transaction if committed else producer.abort_transaction)()

    @rule(name=NAMES, steps=STEPS)
    def work(self, name: str, steps: int) -> None:
        self.with_a_fault(name, steps)

    @rule(name=NAMES)
    def start(self, name: str) -> None:
        """Start an instance, also in place of one that was killed or has left."""
        if name not in self.instances:
            self.instances[name] = Instance(self.kafka, name, self.batch_records)
            self.instances[name].open()
            self.bury()

    @rule(name=NAMES, point=st.sampled_from(CRASH_POINTS), skip=st.integers(0, 8), steps=STEPS)
    def crash(self, name: str, point: tuple[Operation, str], skip: int, steps: int) -> None:
        operation, when = point
        behaviour = crash_before() if when == "before" else crash_after()
        self.with_a_fault(name, steps, operation, behaviour, skip)

    @rule(name=NAMES, point=st.sampled_from(CRASH_POINTS), skip=st.integers(0, 8))
    def crash_while_it_starts(self, name: str, point: tuple[Operation, str], skip: int) -> None:
        self.kill(name)
        operation, when = point
        behaviour = crash_before() if when == "before" else crash_after()
        self.kafka.faults.plan(operation, behaviour, skip=skip)
        self.start(name)
        self.with_a_fault(name, 3)

    @rule(
        name=NAMES,
        what=st.sampled_from(FAILURES),
        lost=st.booleans(),
        skip=st.integers(0, 4),
        steps=STEPS,
    )
    def fail_a_call(
        self, name: str, what: tuple[Operation, Exception], lost: bool, skip: int, steps: int
    ) -> None:
        operation, error = what
        behaviour = lose_answer(error) if lost else refuse(error)
        self.with_a_fault(name, steps, operation, behaviour, skip)

    @rule(
        name=NAMES,
        operation=st.sampled_from(ELSEWHERE),
        skip=st.integers(0, 4),
        others_work=st.integers(0, 6),
        steps=STEPS,
    )
    def expel_in_the_middle(
        self, name: str, operation: Operation, skip: int, others_work: int, steps: int
    ) -> None:
        """Let an instance sleep past its session timeout within a call, and others take over."""

        def sleep() -> None:
            self.expel(name)
            for _ in range(others_work):
                for other in list(self.instances.values()):
                    if other is not self.instances[name]:
                        other.step()

        self.with_a_fault(name, steps, operation, meanwhile(sleep), skip)

    @rule(name=NAMES, operation=st.sampled_from(ELSEWHERE), skip=st.integers(0, 4), steps=STEPS)
    def expire_in_the_middle(self, name: str, operation: Operation, skip: int, steps: int) -> None:
        happen = meanwhile(self.kafka.expire_transactions)
        self.with_a_fault(name, steps, operation, happen, skip)

    @rule(name=NAMES)
    def expel(self, name: str) -> None:
        if name in self.instances:
            self.instances[name].clients.expire()

    @rule(name=NAMES)
    def kill(self, name: str) -> None:
        if name in self.instances:
            self.instances[name].clients.kill()
            self.instances.pop(name).ended = True

    @rule(name=NAMES)
    def leave(self, name: str) -> None:
        if name in self.instances:
            self.instances.pop(name).close()

    @rule(name=NAMES)
    def replace(self, name: str) -> None:
        """Start a successor of the same name while the old process lives on, expelled."""
        if name in self.instances:
            self.expel(name)
            self.ghosts.append(self.instances.pop(name))
            self.start(name)

    @precondition(lambda self: self.ghosts)
    @rule(steps=STEPS)
    def haunt(self, steps: int) -> None:
        for _ in range(steps):
            for ghost in self.ghosts:
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
        self.start("a")
        self.finish()
        for name in list(self.instances):
            self.kill(name)
        self.start("a")
        self.finish()
        assert set(self.instances["a"].settled()) == set(self.committed())

    def finish(self) -> None:
        """Step until all inputs are counted and every partition is in settled hands."""
        for _ in range(300):
            for name in list(self.instances):
                self.with_a_fault(name, 1)
                self.start(name)
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

    def with_a_fault(
        self,
        name: str,
        steps: int,
        operation: Operation | None = None,
        behaviour: Behaviour | None = None,
        skip: int = 0,
    ) -> None:
        """Step an instance; a call of it meets the fault, if it comes to that call."""
        instance = self.instances.get(name)
        if instance is None:
            return
        if operation is not None and behaviour is not None:
            self.kafka.faults.plan(operation, behaviour, skip=skip, process=instance.process)
        for _ in range(steps):
            instance.step()
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
    max_examples=60, stateful_step_count=30, deadline=None, print_blob=True
)
