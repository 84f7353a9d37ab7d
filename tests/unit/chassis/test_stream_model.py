"""Whatever goes wrong, and whenever: each input is counted once, in the order of its key.

Hypothesis drives real streams on the fake broker: it publishes, steps, kills, restarts, expels,
adds, removes and replaces instances, loses answers and fails calls. After each of these, and once
all has come to rest, outputs, dead letters, changelog and state are what the inputs ask for.
"""

from typing import NamedTuple

from confluent_kafka import KafkaError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from support.fake_kafka import crash_after, crash_before, lose_answer, meanwhile, refuse
from support.fake_kafka.errors import failure, fenced, requires_abort, timed_out
from support.fake_kafka.faults import Behaviour, Operation
from support.stream_world import CHANGELOG, INPUTS, VALUES, Instance, Records, World


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
AWAY = failure(KafkaError._TRANSPORT, "the broker is away")
CLASSES = [timed_out(), AWAY, fenced("it"), requires_abort(KafkaError.INVALID_TXN_STATE, "planned")]
FAILURES = [
    Failure("init_transactions", timed_out()),
    Failure("produce", fenced("it")),
    Failure("produce", requires_abort(KafkaError.UNKNOWN_PRODUCER_ID, "planned")),
    *(Failure("send_offsets_to_transaction", error) for error in CLASSES),
    *(Failure("commit_transaction", error) for error in CLASSES),
    Failure("committed", timed_out()),
    Failure("committed", AWAY),
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
UNAWARE = st.integers(0, 8)
KEYS = st.sampled_from([b"k1", b"k2", b"k3", b"k4", b"k5"])
RECORDS = st.lists(
    st.tuples(KEYS, st.sampled_from([b"{}", b"{}", b"{}", *VALUES])), min_size=1, max_size=8
)
some_run = precondition(lambda self: self.world.instances)


class StreamMachine(RuleBasedStateMachine):
    """Streams, and everything that happens to them."""

    @initialize(partitions=st.integers(1, 3), fetch=st.integers(1, 5), batch=st.integers(1, 7))
    def begin(self, partitions: int, fetch: int, batch: int) -> None:
        self.world = World(partitions, batch)
        self.world.kafka.fetch_records = fetch
        self.ghosts: list[Instance] = []
        self.alone = self.world.alone()
        self.alone.__enter__()
        self.world.start("a")

    @rule(records=RECORDS)
    def publish(self, records: Records) -> None:
        self.world.publish(records)

    @rule(records=RECORDS, committed=st.booleans())
    def publish_in_a_transaction(self, records: Records, committed: bool) -> None:
        """Leave markers, and records that nobody sees, between the inputs."""
        producer = self.world.publisher.transactional_producer("publisher")
        producer.init_transactions()
        producer.begin_transaction()
        for key, value in records:
            producer.produce(INPUTS, value, key)
        (producer.commit_transaction if committed else producer.abort_transaction)()

    @rule(which=WHICH)
    def start(self, which: int) -> None:
        """Start another instance, or one in place of one that was killed or has left."""
        free = [name for name in NAMES if name not in self.world.instances]
        if free:
            self.world.start(free[which % len(free)])

    @some_run
    @rule(which=WHICH, steps=STEPS)
    def work(self, which: int, steps: int) -> None:
        self.world.step(self.pick(which), steps)

    @some_run
    @rule(which=WHICH, records=RECORDS, point=st.sampled_from(CRASHES), skip=SKIP, steps=STEPS)
    def crash(self, which: int, records: Records, point: Crash, skip: int, steps: int) -> None:
        self.world.publish(records)
        self.world.meet(self.pick(which), *point, skip, steps)

    @some_run
    @rule(which=WHICH, point=st.sampled_from(CRASHES), skip=SKIP)
    def crash_while_it_starts(self, which: int, point: Crash, skip: int) -> None:
        name = self.pick(which)
        self.world.kill(name)
        self.world.kafka.faults.plan(*point, skip=skip)
        self.world.start(name)
        self.world.step(name, 3)

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
        """Let a call fail, or its answer: then it has been done."""
        self.world.publish(records)
        behaviour = lose_answer(what.error) if lost else refuse(what.error)
        self.world.meet(self.pick(which), what.operation, behaviour, skip, steps)

    @some_run
    @rule(which=WHICH, records=RECORDS, skip=SKIP, steps=STEPS)
    def fill_the_queue(self, which: int, records: Records, skip: int, steps: int) -> None:
        """Let the producer refuse a record until the broker has taken others."""
        self.world.publish(records)
        behaviour = refuse(BufferError("Local: Queue full"))
        self.world.meet(self.pick(which), "produce", behaviour, skip, steps)

    @some_run
    @rule(
        which=WHICH,
        records=RECORDS,
        moment=st.sampled_from(MOMENTS),
        others_work=st.integers(0, 6),
        unaware_polls=UNAWARE,
        skip=SKIP,
        steps=STEPS,
    )
    def sleep_past_the_session(
        self,
        which: int,
        records: Records,
        moment: Operation,
        others_work: int,
        unaware_polls: int,
        skip: int,
        steps: int,
    ) -> None:
        """Let it sleep within a call until the group has expelled it, and others take over."""
        self.world.publish(records)
        name = self.pick(which)
        sleeping = self.world.instances[name]

        def sleep() -> None:
            sleeping.clients.expire(unaware_polls)
            for other in list(self.world.instances.values()) * others_work:
                if other is not sleeping:
                    other.step()

        self.world.meet(name, moment, meanwhile(sleep), skip, steps)

    @some_run
    @rule(which=WHICH, records=RECORDS, moment=st.sampled_from(MOMENTS), skip=SKIP, steps=STEPS)
    def sleep_past_the_transaction(
        self, which: int, records: Records, moment: Operation, skip: int, steps: int
    ) -> None:
        """Let it sleep within a call until the broker has aborted its transaction."""
        self.world.publish(records)
        behaviour = meanwhile(self.world.kafka.expire_transactions)
        self.world.meet(self.pick(which), moment, behaviour, skip, steps)

    @some_run
    @rule(which=WHICH, unaware_polls=UNAWARE)
    def expel(self, which: int, unaware_polls: int) -> None:
        self.world.instances[self.pick(which)].clients.expire(unaware_polls)

    @some_run
    @rule(which=WHICH)
    def kill(self, which: int) -> None:
        self.world.kill(self.pick(which))

    @some_run
    @rule(which=WHICH)
    def leave(self, which: int) -> None:
        self.world.instances.pop(self.pick(which)).close()

    @some_run
    @rule(which=WHICH, unaware_polls=UNAWARE)
    def replace(self, which: int, unaware_polls: int) -> None:
        """Start a successor of the same name while the old process lives on, expelled."""
        name = self.pick(which)
        self.world.instances[name].clients.expire(unaware_polls)
        self.ghosts.append(self.world.instances[name])
        self.world.start(name)

    @precondition(lambda self: self.ghosts)
    @rule(steps=STEPS)
    def haunt(self, steps: int) -> None:
        for ghost in self.ghosts * steps:
            ghost.step()

    @rule(at_once=st.booleans())
    def commit(self, at_once: bool) -> None:
        """Let commits beside other work be fast or slow."""
        self.world.commits_at_once = at_once

    @rule()
    def expire_transactions(self) -> None:
        self.world.kafka.expire_transactions()

    @rule()
    def compact(self) -> None:
        self.world.kafka.compact(CHANGELOG)

    @invariant()
    def what_is_committed_is_exactly_what_its_inputs_ask_for(self) -> None:
        self.world.check_what_is_committed()

    @invariant()
    def the_state_in_hand_is_what_its_inputs_ask_for(self) -> None:
        self.world.check_states()

    def teardown(self) -> None:
        """Let the living finish; then let a new process restore what they leave."""
        try:
            for ghost in self.ghosts:
                ghost.clients.kill()
            self.finish()
            for name in list(self.world.instances):
                self.world.kill(name)
            self.finish()
        finally:
            self.alone.__exit__(None, None, None)

    def finish(self) -> None:
        self.world.come_to_rest()
        self.world.check_what_is_committed()
        self.world.check_states()

    def pick(self, which: int) -> str:
        return sorted(self.world.instances)[which % len(self.world.instances)]


TestStreamModel = StreamMachine.TestCase
TestStreamModel.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None, print_blob=True
)
