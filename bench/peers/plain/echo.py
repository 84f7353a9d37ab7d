"""The raw echo: plain confluent-kafka, the same number and sizes of records, and no work.

The limit of what any one process can do on this broker. A decision begins with the event's
partition and offset, so that it can be timed.
"""

import struct
import sys
from collections.abc import Sequence

from confluent_kafka import Message, Producer
from loop import Settings, run

PLACE = struct.Struct(">iq")


class Echo:
    """Answers each event with a decision, an audit record and its share of changes."""

    def __init__(self, settings: Settings) -> None:
        sizes = settings.tuning["sizes"]
        self._settings = settings
        self._rest = bytes(sizes["decision"] - PLACE.size)
        self._audit = bytes(sizes["audit"])
        self._change = bytes(sizes["change"])
        self._changes_an_event = sizes["changes_an_event"]
        self._changes = 0.0

    def __call__(self, messages: Sequence[Message], to: Producer) -> None:
        """Answer a batch."""
        settings, produce = self._settings, to.produce
        for message in messages:
            key, partition, offset = message.key(), message.partition(), message.offset()
            produce(settings.decisions, PLACE.pack(partition, offset) + self._rest, key)
            produce(settings.audits, self._audit, key)
            self._changes += self._changes_an_event
            while self._changes >= 1.0:
                produce(settings.changelog, self._change, key, partition)
                self._changes -= 1.0


if __name__ == "__main__":
    told = Settings.load(sys.argv[1])
    run(told, Echo(told))
