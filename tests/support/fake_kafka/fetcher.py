"""What a consumer has been assigned, how far it has read, and what it reads next."""

from dataclasses import dataclass

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    OFFSET_INVALID,
    OFFSET_STORED,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from support.fake_kafka.broker import FakeKafka
from support.fake_kafka.log import Isolation, PartitionLog

_Key = tuple[str, int]


@dataclass(slots=True)
class _Reading:
    log: PartitionLog
    fetch: int
    """The offset to read from, or a logical one that is resolved when it is first read."""
    position: int = OFFSET_INVALID
    fetched: bool = False
    paused: bool = False
    said_end: int = OFFSET_INVALID
    failed: bool = False


class Fetcher:
    """Reads assigned partitions in turns.

    Parameters
    ----------
    group
        Whose committed offsets say where to begin, unless an assignment says it.
    config
        librdkafka's: ``auto.offset.reset``, ``isolation.level``, ``enable.partition.eof``.
    """

    def __init__(self, kafka: FakeKafka, group: str, config: dict[str, object]) -> None:
        self._kafka = kafka
        self._group = group
        self._reset = config["auto.offset.reset"]
        self._says_end = bool(config.get("enable.partition.eof"))
        committed = config["isolation.level"] == "read_committed"
        self.isolation: Isolation = "read_committed" if committed else "read_uncommitted"
        self._readings: dict[_Key, _Reading] = {}
        self._turn: list[_Key] = []
        self.assignments = 0
        """How many times it was assigned anything, or nothing."""

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Replace the assignment; logical offsets are resolved when they are first read."""
        self._readings = {
            (at.topic, at.partition): _Reading(self._kafka.log(at.topic, at.partition), at.offset)
            for at in partitions
        }
        self._turn = list(self._readings)
        self.assignments += 1

    def assignment(self) -> list[TopicPartition]:
        """Return what is assigned."""
        return [TopicPartition(*key) for key in self._readings]

    def pause(self, partitions: list[TopicPartition], *, paused: bool) -> None:
        """Stop, or go on, reading partitions."""
        for at in partitions:
            self._readings[at.topic, at.partition].paused = paused

    def seek(self, partition: TopicPartition) -> None:
        """Read on from another offset."""
        key = (partition.topic, partition.partition)
        if key not in self._readings:
            raise KafkaException(KafkaError(KafkaError._STATE, "not assigned"))
        reading = self._readings[key]
        paused = reading.paused
        self._readings[key] = _Reading(reading.log, partition.offset, paused=paused)

    def position(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Return the offset past the last record or end told, ``OFFSET_INVALID`` before."""
        unread = _Reading(PartitionLog("", 0), 0)
        return [
            TopicPartition(
                at.topic,
                at.partition,
                self._readings.get((at.topic, at.partition), unread).position,
            )
            for at in partitions
        ]

    def watermarks(self, partition: TopicPartition) -> tuple[int, int]:
        """Return the (low, high) of a partition that was read, ``OFFSET_INVALID`` of another."""
        reading = self._readings.get((partition.topic, partition.partition))
        if reading is None or not reading.fetched:
            return OFFSET_INVALID, OFFSET_INVALID
        return reading.log.start, reading.log.end("read_uncommitted")

    def next(self, most: int) -> list[Message]:
        """Return up to ``most`` records, ends and errors: some of each partition in its turn."""
        messages: list[Message] = []
        for key in list(self._turn):
            room = min(most - len(messages), self._kafka.fetch_records)
            if room == 0:
                break
            taken = self._take(self._readings[key], room)
            if taken:
                messages += taken
                self._turn.remove(key)
                self._turn.append(key)
        return messages

    def _take(self, reading: _Reading, room: int) -> list[Message]:
        taken: list[Message] = []
        if reading.paused or reading.failed or not self._resolve(reading, taken):
            return taken
        reading.fetched = True
        while len(taken) < room:
            message, reading.fetch = reading.log.read(reading.fetch, self.isolation)
            if message is None:
                break
            taken.append(message)
            reading.position = reading.fetch
        if len(taken) < room:
            self._say_end(reading, taken)
        return taken

    def _resolve(self, reading: _Reading, taken: list[Message]) -> bool:
        """Turn a logical offset into an actual one; False while, or where, that is impossible."""
        log = reading.log
        if reading.fetch in (OFFSET_INVALID, OFFSET_STORED):
            if self._kafka.transactions.pending(self._group, log.topic, log.partition):
                return False
            held = self._kafka.transactions.offsets.get((self._group, log.topic, log.partition))
            reading.fetch = held.offset if held else self._at_reset(reading, taken)
        elif reading.fetch in (OFFSET_BEGINNING, OFFSET_END):
            beginning = reading.fetch == OFFSET_BEGINNING
            reading.fetch = log.start if beginning else log.end(self.isolation)
        if not log.start <= reading.fetch <= log.end("read_uncommitted"):
            reading.fetch = self._at_reset(reading, taken)
        return not reading.failed

    def _at_reset(self, reading: _Reading, taken: list[Message]) -> int:
        if self._reset == "earliest":
            return reading.log.start
        if self._reset == "latest":
            return reading.log.end(self.isolation)
        reading.failed = True
        error = KafkaError(KafkaError._AUTO_OFFSET_RESET, "no offset to begin at")
        taken.append(_event(reading.log, reading.fetch, error))
        return reading.log.start

    def _say_end(self, reading: _Reading, taken: list[Message]) -> None:
        at_end = reading.fetch == reading.log.end(self.isolation)
        if self._says_end and at_end and reading.said_end != reading.fetch:
            reading.said_end = reading.position = reading.fetch
            error = KafkaError(KafkaError._PARTITION_EOF, "no more records")
            taken.append(_event(reading.log, reading.fetch, error))


def _event(log: PartitionLog, offset: int, error: KafkaError) -> Message:
    return Message(topic=log.topic, partition=log.partition, offset=offset, error=error)
