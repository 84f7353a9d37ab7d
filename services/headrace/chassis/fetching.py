"""Fetching: what is there at once, in batches of one input each."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

from headrace.chassis.assignment import IDLE_S, Assignment
from headrace.chassis.batch import Batch, Fetched
from headrace.chassis.headers import read_headers
from headrace.chassis.messages import holds_record
from headrace.chassis.stages import StageClock


class Fetching:
    """Fetches batches: the inputs in their order.

    Parameters
    ----------
    most
        Records of a fetch, of all inputs together.
    finish
        Ends the transaction that is under way.
    give_back
        Has what was fetched, and will not be committed, fetched again.
    """

    def __init__(
        self,
        assignment: Assignment[Any],
        topics: Sequence[str],
        most: int,
        clock: StageClock,
        finish: Callable[[], object],
        give_back: Callable[[], None],
    ) -> None:
        self._assignment = assignment
        self._topics = topics
        self._most = most
        self._clock = clock
        self._finish = finish
        self._give_back = give_back
        self._waiting: deque[Batch] = deque()
        """Fetched with the latest batch, from other inputs."""
        self._course = 0
        """The assignment's when they were fetched."""

    def next(self, *, is_underway: bool) -> Batch | None:
        """Return the next batch: of what was fetched already, or of what comes.

        Parameters
        ----------
        is_underway
            Whether the transaction of the batch before is.
        """
        if self._course != self._assignment.course:
            self._waiting.clear()  # it will be fetched again
        if not self._waiting:
            self._waiting.extend(self._anew(is_underway=is_underway))
            self._course = self._assignment.course
        return self._waiting.popleft() if self._waiting else None

    def _anew(self, *, is_underway: bool) -> list[Batch]:
        """Wait for a first record, then take what is there already: never wait for a full batch.

        Only a full batch is handled beside the commit of the one before. What is less would have
        to wait for that commit all the same, while others come that could have gone with it.
        """
        consumer, epoch = self._assignment.consumer, self._assignment.epoch
        self._clock.enter("fetch")
        messages = consumer.consume(self._most, 0) if is_underway else []
        if len(messages) < self._most:
            self._finish()
            if not messages:
                self._clock.enter("idle")
                first = consumer.poll(IDLE_S) if self._assignment.fetching else None
                if first is None:
                    return []
                messages = [first]
            self._clock.enter("fetch")
            messages += consumer.consume(self._most - len(messages), 0)
        metadata = consumer.consumer_group_metadata()
        # Either a transaction failed, or a rebalance came with it, or a heartbeat has just told
        # that this member was expelled (the broker takes offsets from nobody in particular): these
        # are no longer ours to process.
        in_hand = self._assignment.fetching and epoch == self._assignment.epoch
        if not in_hand or not consumer.memberid():
            self._give_back()
            return []
        records = [each for each in messages if each.error() is None or holds_record(each)]
        return [
            Batch(source, each, read_headers(each), metadata)
            for source, each in enumerate(self._by_input(cast("list[Fetched]", records)))
            if each
        ]

    def _by_input(self, records: list[Fetched]) -> list[list[Fetched]]:
        if len(self._topics) == 1:
            return [records]
        by_topic: dict[str, list[Fetched]] = {topic: [] for topic in self._topics}
        for each in records:
            by_topic[each.topic()].append(each)
        return [*by_topic.values()]
