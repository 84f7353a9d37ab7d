"""A consumer: a member of a group, or a reader of partitions assigned by hand."""

from collections.abc import Callable
from functools import partial

from confluent_kafka import OFFSET_INVALID, Message, TopicPartition

from support.fake_kafka import group_metadata as metadata_format
from support.fake_kafka.errors import timed_out
from support.fake_kafka.fetcher import Fetcher
from support.fake_kafka.log import Committed
from support.fake_kafka.membership import Membership
from support.fake_kafka.process import FakeClient, Process, call

OnRebalance = Callable[["FakeConsumer", list[TopicPartition]], None]


class FakeConsumer(FakeClient):
    """The subset of ``confluent_kafka.Consumer`` that the platform uses.

    Callbacks run inside ``poll``, ``consume`` and ``close`` only. A wait in vain returns at once
    and lets the broker's time pass by its timeout.
    """

    def __init__(self, process: Process, group: str, config: dict[str, object]) -> None:
        super().__init__(process)
        self._group = group
        self._fetcher = Fetcher(process.kafka, group, config)
        self._membership = Membership(process.kafka.groups, group, self._fetcher)
        self._closed = False
        process.at_death(self._membership.leave)

    @call
    def subscribe(
        self,
        topics: list[str],
        on_assign: OnRebalance | None = None,
        on_revoke: OnRebalance | None = None,
        on_lost: OnRebalance | None = None,
    ) -> None:
        """Join the group; polls tell what came of it."""
        callbacks = (on_assign, on_revoke, on_lost)
        bound = [partial(callback, self) if callback else None for callback in callbacks]
        self._membership.subscribe(topics, *bound)

    @call
    def poll(self, timeout: float = -1) -> Message | None:
        """Return a record, an end or an error, or None where there is nothing."""
        return next(iter(self._fetch(1, timeout)), None)

    @call
    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        """Return up to so many records, ends and errors that are there."""
        return self._fetch(num_messages, timeout)

    @call
    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these partitions."""
        self._fetcher.assign(partitions)

    @call
    def unassign(self) -> None:
        """Read nothing."""
        self._fetcher.assign([])

    @call
    def assignment(self) -> list[TopicPartition]:
        """Return what is read."""
        return self._fetcher.assignment()

    @call
    def pause(self, partitions: list[TopicPartition]) -> None:
        """Stop reading partitions; membership goes on."""
        self._fetcher.pause(partitions, paused=True)

    @call
    def resume(self, partitions: list[TopicPartition]) -> None:
        """Read paused partitions again."""
        self._fetcher.pause(partitions, paused=False)

    @call
    def seek(self, partition: TopicPartition) -> None:
        """Read on from another offset."""
        self._fetcher.seek(partition)

    @call
    def position(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Return the offset past the last record or end told."""
        return self._fetcher.position(partitions)

    @call
    def committed(
        self, partitions: list[TopicPartition], timeout: float = -1
    ) -> list[TopicPartition]:
        """Return the stable committed offsets; times out while a transaction holds one open."""
        offsets = []
        for at in partitions:
            if self._kafka.transactions.pending(self._group, at.topic, at.partition):
                self._kafka.pass_time(timeout)
                raise timed_out(f"{at.topic} [{at.partition}]: the offset is not stable")
            held = self._kafka.transactions.offsets.get((self._group, at.topic, at.partition))
            told = Committed(OFFSET_INVALID, "") if held is None else held
            offsets.append(TopicPartition(at.topic, at.partition, told.offset, told.metadata))
        return offsets

    @call
    def consumer_group_metadata(self) -> bytes:
        """Return who this member is; once expelled, it is nobody, as after a failed heartbeat."""
        return metadata_format.encode(self._membership.metadata())

    @call
    def memberid(self) -> str | None:
        """Return the id that the group has given, or None where it has expelled this member."""
        return self._membership.metadata().member_id or None

    @call
    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float = -1, cached: bool = False
    ) -> tuple[int, int]:
        """Return the (low, high) watermarks; cached are those of a partition that was read."""
        del timeout
        if cached:
            return self._fetcher.watermarks(partition)
        log = self._kafka.log(partition.topic, partition.partition)
        return log.start, log.end(self._fetcher.isolation)

    @call
    def close(self) -> None:
        """Give up what is assigned and leave the group."""
        if not self._closed:
            self._membership.close()
        self._closed = True

    def expire(self, unaware_polls: int = 0) -> None:
        """Let the session time out: the group goes on without this member (a test's call).

        Parameters
        ----------
        unaware_polls
            How many polls pass before a heartbeat has told it; a process that slept works on as
            if nothing had happened for a while.
        """
        self._membership.leave(unaware_polls)

    def _fetch(self, most: int, timeout: float) -> list[Message]:
        if self._closed:
            raise RuntimeError("Consumer closed")
        self._membership.take_part()
        messages = self._fetcher.next(most)
        if not messages:
            self._kafka.pass_time(timeout)
        return messages
