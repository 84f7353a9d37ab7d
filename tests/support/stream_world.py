"""Counting streams on the fake broker, and what must have come of their inputs.

What must have come of the inputs is a fold over the input log, so it can be asked at any moment.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from itertools import count
from typing import Any, NamedTuple, Protocol, cast
from unittest.mock import patch

import orjson
from confluent_kafka import Message

from headrace.chassis import (
    assignment,
    holding,
    reading,
    reporting,
    stream,
    table,
    transactor,
)
from headrace.chassis.beside import Answer, Call, make
from headrace.chassis.metrics import Metrics
from headrace.chassis.settings import StreamSettings
from headrace.chassis.stream import Stream
from headrace.errors import HeadraceError
from support.counting import CountFormat, CountingHandler, counting_topology
from support.fake_kafka import CrashNow, FakeClients, FakeKafka
from support.fake_kafka.faults import Behaviour, Operation
from support.traces import UNTRACED

TOPOLOGY = counting_topology("world")
INPUTS = TOPOLOGY.inputs[0].channel.topic
OUTPUTS = "world.outputs"
DEAD_LETTERS = TOPOLOGY.inputs[0].dead_letters.topic
CHANGELOG = TOPOLOGY.changelog.topic

VALUES = {
    b"{}": None,
    b'{"poison": true}': "handler_failed",
    b'{"reject": true}': "invalid_value",
    b"\xff": "undecodable",
    None: "null_value",
}
"""Each kind of input value, and the reason with which it is dead-lettered if it is."""

Records = Sequence[tuple[bytes, bytes | None]]
"""Key and value of each."""


class Expected(NamedTuple):
    """What must have come of a partition's inputs up to an offset."""

    outputs: dict[str, list[tuple[int, int]]]
    """Of each key, in order: the input's offset and which one of its key it is."""
    dead: list[tuple[int, str]]
    """Offset and reason."""

    @property
    def counts(self) -> dict[str, int]:
        """The state: how many there were of each key."""
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
            [CountingHandler(OUTPUTS)],
            cast("Any", self.clients),
            StreamSettings(instance=name, batch_records=batch_records, dead_letter_limit=False),
            Metrics("counting"),
            UNTRACED,
            lambda: kafka.now_ms,
        )

    def open(self) -> None:
        """Do what the process does when it starts."""
        self._live(self.stream.open)

    def step(self) -> None:
        """Let the stream do the next thing."""
        self._live(self.stream.step)

    def close(self) -> None:
        """End as after SIGTERM."""
        self.ended = True
        with suppress(CrashNow):  # a crash that it meets on its way out ends it, too
            self.stream.close()

    def settled(self) -> dict[int, int]:
        """Return the input offset that the state of each partition in hand reflects."""
        in_hand = self.stream._assignment
        applied = {each: offset for each, (offset,) in in_hand.applied.items()}
        return applied if in_hand.fetching and not self.ended else {}

    def counts(self, partition: int) -> dict[str, int]:
        """Return the state of a partition."""
        return {key: value.n for at, key, value in self.stream.state if at == partition}

    def _live(self, act: Callable[[], object]) -> None:
        if self.ended:
            return
        try:
            act()
        except CrashNow:
            self.ended = True
        except HeadraceError as error:
            # Fenced again and again: what a stream must say to a second process of its name.
            if not str(error).startswith("Another process"):
                raise
            self.close()


class Alone(Protocol):
    """A world in which no time passes but the broker's."""

    kafka: FakeKafka
    commits_at_once: bool
    """Whether a transaction that was begun is committed before anything else happens, or only when
    its stream asks for the answer."""


@contextmanager
def alone(world: Alone) -> Iterator[None]:
    """Let the chassis' patience pass with the broker's time and all calls be in this thread.

    So nothing really waits, and the same steps always do the same.
    """
    with ExitStack() as patches:
        for module in (assignment, holding, reading, reporting, stream, table, transactor):
            now_s = patch.object(module, "monotonic", lambda: world.kafka.now_ms / 1_000)
            patches.enter_context(now_s)
        patches.enter_context(patch.object(transactor, "Beside", lambda: _Here(world)))
        yield


class World:
    """A broker, the inputs' publisher, and the living instances by name."""

    def __init__(self, partitions: int, batch_records: int) -> None:
        self.kafka = FakeKafka()
        self.publisher = FakeClients(self.kafka, "publisher")
        self.instances: dict[str, Instance] = {}
        self._batch_records = batch_records
        self.commits_at_once = False
        for topic in (INPUTS, OUTPUTS, DEAD_LETTERS, CHANGELOG):
            self.kafka.create_topic(topic, partitions)
        self.kafka.create_topic(TOPOLOGY.pauses.topic)

    def alone(self) -> AbstractContextManager[None]:
        """Let nothing really wait (see :func:`alone`)."""
        return alone(self)

    def publish(self, records: Records) -> None:
        """Publish inputs."""
        for key, value in records:
            self.publisher.producer().produce(INPUTS, value, key)

    def start(self, name: str) -> None:
        """Start an instance."""
        self.instances[name] = Instance(self.kafka, name, self._batch_records)
        self.instances[name].open()
        self._bury()

    def kill(self, name: str) -> None:
        """Kill an instance."""
        self.instances.pop(name).clients.kill()

    def step(self, name: str, steps: int = 1) -> None:
        """Step an instance; then a fault that it has not met is forgotten."""
        for _ in range(steps):
            if name in self.instances:
                self.instances[name].step()
        self.kafka.faults.clear()
        self._bury()

    def meet(
        self, name: str, operation: Operation, behaviour: Behaviour, skip: int, steps: int
    ) -> None:
        """Step an instance that meets a fault if it comes to that call."""
        process = self.instances[name].process
        self.kafka.faults.plan(operation, behaviour, skip=skip, process=process)
        self.step(name, steps)

    def come_to_rest(self) -> None:
        """Step all until every input is counted and every partition is in settled hands."""
        for _ in range(300):
            if not self.instances:
                self.start("a")
            for name in list(self.instances):
                self.step(name)
            if self._rests():
                break
        assert self._rests()

    def check_what_is_committed(self) -> None:
        """Assert that exactly what the inputs up to the committed offsets ask for is there."""
        for partition, offset in self.committed().items():
            expected = self.expected(partition, offset)
            assert self.outputs(partition) == expected.outputs
            assert self.dead(partition) == expected.dead
            assert self.changelog(partition) == expected.counts

    def check_states(self) -> None:
        """Assert that every state in hand is what the inputs it reflects ask for."""
        for instance in self.instances.values():
            for partition, offset in instance.settled().items():
                assert instance.counts(partition) == self.expected(partition, offset).counts

    def committed(self) -> dict[int, int]:
        """Return the committed input offset of each partition."""
        committed = {log.partition: 0 for log in self.kafka.topics[INPUTS]}
        for at in self.kafka.committed(TOPOLOGY.group, INPUTS):
            committed[at.partition] = at.offset
        return committed

    def expected(self, partition: int, end: int) -> Expected:
        """Return what must have come of the inputs before the offset ``end``."""
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
        """Return what was said of a partition's inputs, by key, as ``Expected.outputs``."""
        outputs = defaultdict(list)
        for message in self.kafka.records(OUTPUTS):
            said = orjson.loads(message.value() or b"")
            if said["partition"] == partition:
                outputs[_key(message)].append((said["offset"], said["n"]))
        return dict(outputs)

    def dead(self, partition: int) -> list[tuple[int, str]]:
        """Return offset and reason of a partition's dead letters."""
        letters = [orjson.loads(m.value() or b"") for m in self.kafka.records(DEAD_LETTERS)]
        return sorted(
            (letter["source_offset"], letter["reason"])
            for letter in letters
            if letter["source_partition"] == partition
        )

    def changelog(self, partition: int) -> dict[str, int]:
        """Return the counts that the changelog holds."""
        counts = {}
        for message in self.kafka.records(CHANGELOG):
            if message.partition() == partition:
                entry = TOPOLOGY.changelog.decode(message.value())
                counts[_key(message).removesuffix("#0")] = int.from_bytes(entry["body"])
        return counts

    def _rests(self) -> bool:
        in_hand = [at for each in self.instances.values() for at in each.settled()]
        last = {m.partition(): (m.offset() or 0) + 1 for m in self.kafka.records(INPUTS)}
        committed = self.committed()
        counted = all(committed[partition or 0] >= end for partition, end in last.items())
        return counted and sorted(in_hand) == sorted(committed)

    def _bury(self) -> None:
        self.instances = {name: each for name, each in self.instances.items() if not each.ended}


class _Here:
    """Makes calls in this thread, when they are begun or when they are waited for."""

    def __init__(self, world: Alone) -> None:
        self._world = world
        self._later: dict[Answer, Call] = {}

    def begin(self, call: Call) -> Answer:
        answer = Answer()
        if self._world.commits_at_once:
            make(call, answer)
        else:
            self._later[answer] = call
        return answer

    def end(self, answer: Answer, _limit_s: float) -> None:
        if not answer.done():
            make(self._later.pop(answer), answer)
        answer.result()


def _key(message: Message) -> str:
    return (message.key() or b"").decode()
