"""Publishing the input, and waiting until a contestant has committed all of it."""

import time
from collections.abc import Callable, Sequence

from confluent_kafka import TopicPartition

from headrace.benchmark.course import Course
from headrace.chassis.offsets import committed
from headrace.chassis.reading import ends
from headrace.errors import HeadraceError
from headrace.trials.process import BesideProcess
from headrace.trials.service import ServiceProcess

_FLUSH_S = 60.0
_CALL_S = 20.0
_ASK_S = 0.1
_STALLED_S = 60.0


def publish(course: Course, records: Sequence[tuple[str, bytes]], plural: str = "events") -> None:
    """Publish keys and values to a topic as fast as they go.

    Raises
    ------
    HeadraceError
        The broker did not take all.
    """
    producer = course.clients.producer()
    topic = course.topic(plural)
    for key, value in records:
        while True:
            try:
                producer.produce(topic, value, key)
                break
            except BufferError:
                producer.poll(0.1)
    if left := producer.flush(_FLUSH_S):
        raise HeadraceError(f"The broker did not take {left} of the {plural}.")


def await_committed(course: Course, process: BesideProcess) -> None:
    """Wait until the group has committed all events.

    Raises
    ------
    HeadraceError
        The process has ended, or has committed nothing for a minute.
    """
    topic, partitions = course.topic("events"), range(course.partitions)
    end = sum(ends(course.clients, topic, partitions, _CALL_S).values())
    asks = course.clients.consumer(course.group)  # asks only, never joins
    places = [TopicPartition(topic, partition) for partition in partitions]

    def reached() -> int:
        return sum(max(0, at.offset) for at in committed(asks, places, _CALL_S))

    try:
        _await(reached, end, course, process)
    finally:
        asks.close()


def await_processed(course: Course, process: ServiceProcess, records: int) -> None:
    """Wait until a service has committed so many input records.

    Raises
    ------
    HeadraceError
        As of :func:`await_committed`.
    """
    _await(lambda: process.counts().processed, records, course, process)


def _await(done: Callable[[], int], end: int, course: Course, process: BesideProcess) -> None:
    before, moved_at_s = -1, time.monotonic()
    while before < end:
        process.require_alive()
        now = done()
        if now > before:
            before, moved_at_s = now, time.monotonic()
        elif time.monotonic() - moved_at_s > _STALLED_S:
            raise HeadraceError(
                f"{course.name} stands still at {before:,} of {end:,} records.",
                fix=f"See {process.log}.",
            )
        time.sleep(_ASK_S)
