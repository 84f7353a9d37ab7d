"""Publishing no faster than it is followed."""

from collections.abc import Callable
from itertools import islice
from threading import Event
from typing import Final

from headrace.simulator.publisher import Published, Publisher
from headrace.simulator.sources import Source

CHUNK: Final = 2_500
_ASK_S: Final = 0.05


def publish_in_step(
    publisher: Publisher, source: Source, followed: Callable[[], float], stop: Event
) -> Published:
    """Publish all of a source, two chunks ahead of who follows at the most.

    What is all there at once is worked through one partition after the other: one week's traffic
    is mixed with another's, and a drift of a few days is hardly seen in the mixture.

    Parameters
    ----------
    followed
        Says how many of the records have been worked through.
    stop
        Ends it early.
    """
    publications = iter(source.publications)
    while not stop.is_set() and (chunk := list(islice(publications, CHUNK))):
        publisher.run(chunk, stop)
        while not stop.is_set() and followed() < publisher.outcome.published - CHUNK:
            stop.wait(_ASK_S)
    return publisher.outcome
