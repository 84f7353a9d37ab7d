"""What a batch's transaction holds, offsets aside."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from headrace.chassis.batch import Headers, Place, Work
from headrace.chassis.batch_trace import BatchTrace
from headrace.chassis.deadletters import dead_lettered
from headrace.chassis.pauses import pause
from headrace.chassis.records import Answer, Outgoing
from headrace.chassis.state import Changes
from headrace.chassis.topology import Channel, Topology
from headrace.chassis.transactor import ToProduce

_log = logging.getLogger("headrace.stream")


class Outputs:
    """Makes records of what came of a batch.

    Parameters
    ----------
    topology
        Where they go.
    format_version
        Of the state's changes.
    now_ms
        The wall clock, in milliseconds.
    """

    def __init__(self, topology: Topology, format_version: int, now_ms: Callable[[], int]) -> None:
        self._topology = topology
        self._format_version = format_version
        self._now_ms = now_ms

    def of(
        self,
        work: Work[Any],
        headers: Mapping[Place, Headers | None],
        pause_reason: str | None,
        trace: BatchTrace,
    ) -> list[ToProduce]:
        """Return the handler's records, changes of state, dead letters and a pause, if any."""
        records = [trace.to_produce(each) for each in work.outgoing]
        if work.overlay.changes:
            records.append(self._changes(work.source, work.overlay.changes))
        dead_letters = self._topology.inputs[work.source].dead_letters
        if work.dead and dead_letters is not None:
            records.append(trace.to_produce(self._dead_letters(dead_letters, work, headers)))
        if pause_reason is not None:
            _log.error("paused: %s", pause_reason)
            records.append(self._pause(pause_reason))
        return records

    def _changes(self, source: int, changes: Changes) -> ToProduce:
        if self._topology.changelog is None:
            raise TypeError("a stream without a changelog has no state to change")
        topic, encode, _ = self._topology.changelog
        bodies, offsets = changes.bodies, changes.offsets
        same = {"format": self._format_version, "input": source}
        values: list[bytes | None]
        if None in bodies:
            encoded = encode.batch(same, {"offset": offsets, "body": [b or b"" for b in bodies]})
            values = [
                None if body is None else value for body, value in zip(bodies, encoded, strict=True)
            ]
        else:
            values = [*encode.batch(same, {"offset": offsets, "body": bodies})]
        named = [f"{key}#{slot}" for key, slot in zip(changes.keys, changes.slots, strict=True)]
        return ToProduce(topic, named, values, changes.partitions)

    def _dead_letters(
        self, channel: Channel, work: Work[Any], headers: Mapping[Place, Headers | None]
    ) -> Outgoing:
        topic, encode, _ = channel
        messages = {(each.partition(), each.offset()): each for each in work.messages}
        places = [(dead.partition, dead.offset) for dead in work.dead]
        letters = [
            dead_lettered(
                messages[place],
                headers.get(place, []),
                dead,
                self._topology.service,
                self._now_ms(),
            )
            for place, dead in zip(places, work.dead, strict=True)
        ]
        return Outgoing(
            topic,
            [letter["key"] for letter in letters],
            [encode(letter) for letter in letters],
            {
                row: Answer(work.traces[place])
                for row, place in enumerate(places)
                if place in work.traces
            },
        )

    def _pause(self, reason: str) -> ToProduce:
        topic, encode, _ = self._topology.pauses
        service = self._topology.service
        return ToProduce(topic, [service], [encode(pause(service, reason, self._now_ms()))], [0])
