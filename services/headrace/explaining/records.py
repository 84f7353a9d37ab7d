"""Records as they stand in a use case's topics: all of a topic, or the one at a place."""

import re
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Final, NamedTuple, cast

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from headrace.chassis.batch import Fetched
from headrace.chassis.clients import Clients
from headrace.chassis.reading import ends, read_to_end
from headrace.contracts.topics import TopicSpec
from headrace.errors import HeadraceError

_POLL_S: Final = 0.2
_PLACE = re.compile(r"([0-9]{1,10}):([0-9]{1,19})")


class Place(NamedTuple):
    """Where a record stands in its topic."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


def parse_place(text: str) -> Place:
    """Read a place as ``PARTITION:OFFSET``.

    Raises
    ------
    HeadraceError
        It is none.
    """
    found = _PLACE.fullmatch(text)
    if found is None:
        raise HeadraceError(
            f"{text!r} is no place of a record.", fix="Write PARTITION:OFFSET, as 3:17."
        )
    return Place(int(found[1]), int(found[2]))


def place_of(message: Fetched) -> Place:
    """Return where a record stands."""
    return Place(message.partition(), message.offset())


class TopicReader:
    """Reads the topics of one use case.

    Parameters
    ----------
    timeout_s
        How long to wait for the next record, that is also for a transaction to end.
    """

    def __init__(self, clients: Clients, timeout_s: float) -> None:
        self._clients = clients
        self._timeout_s = timeout_s

    def all(self, spec: TopicSpec, partitions: Sequence[int] | None = None) -> Iterator[Fetched]:
        """Yield all committed records, of some partitions or of all, in the order of each.

        Raises
        ------
        HeadraceError
            The broker does not answer, there is no such topic, or a transaction stays open.
        """
        chosen = range(spec.partitions) if partitions is None else partitions
        try:
            for batch in read_to_end(self._clients, spec.name, chosen, self._timeout_s):
                yield from batch
        except KafkaException as error:
            raise _unread(spec.name, error) from error

    def at(self, spec: TopicSpec, place: Place) -> Fetched | None:
        """Return the committed record at a place; None where there is none, or none any more.

        Raises
        ------
        HeadraceError
            The broker does not answer, or there is no such topic.
        """
        if place.partition >= spec.partitions:
            return None
        try:
            end = ends(self._clients, spec.name, [place.partition], self._timeout_s)
            if place.offset >= end[place.partition]:
                return None
            return self._first_from(spec, place)
        except KafkaException as error:
            raise _unread(spec.name, error) from error

    def _first_from(self, spec: TopicSpec, place: Place) -> Fetched | None:
        reader = self._clients.reader()
        try:
            reader.assign([TopicPartition(spec.name, *place)])
            until = monotonic() + self._timeout_s
            while monotonic() < until:
                message = reader.poll(_POLL_S)
                if message is None:
                    continue
                error = message.error()
                if error is None:  # a later one, where this one is deleted, or was never committed
                    return cast("Fetched", message) if message.offset() == place.offset else None
                if error.code() == KafkaError._PARTITION_EOF:
                    return None
        finally:
            reader.close()
        raise HeadraceError(
            f"{spec.name} at {place} could not be read within {self._timeout_s:g} s.",
            fix="Look for a transaction that stays open, or a broker that is away.",
        )


def _unread(topic: str, error: KafkaException) -> HeadraceError:
    return HeadraceError(
        f"{topic} cannot be read: {error.args[0].str()}.",
        fix="Look at `headrace status`; where there is no such topic: headrace topics apply.",
    )
