"""Events are published no faster than they are followed."""

from threading import Event

from headrace.demo.in_step import CHUNK, publish_in_step
from headrace.simulator.publisher import Published
from headrace.simulator.sources import Source


class Told:
    """Takes what is published."""

    def __init__(self):
        self.outcome = Published()

    def run(self, publications, stop):
        self.outcome.by_kind["ordinary"] += len(publications)


def test_nobody_is_left_behind_by_more_than_two_chunks():
    publisher, asked, position = Told(), [], 0

    def followed():
        nonlocal position
        asked.append(publisher.outcome.published - position)
        position = min(position + CHUNK // 2, publisher.outcome.published)
        return position

    source = Source(range(5 * CHUNK + 7), 5 * CHUNK + 7)
    assert publish_in_step(publisher, source, followed, Event()).published == source.records
    assert max(asked) <= 2 * CHUNK


def test_it_ends_early_where_it_is_told_to():
    publisher, stop = Told(), Event()

    def followed():
        stop.set()
        return 0

    source = Source(range(9 * CHUNK), 9 * CHUNK)
    assert publish_in_step(publisher, source, followed, stop).published == CHUNK
