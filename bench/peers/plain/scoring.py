"""The job on plain confluent-kafka, by hand: what exactly once costs is the difference of two runs.

The windows are in memory, and each change of them goes to a changelog, which this program never
reads back.
"""

import struct
import sys
from collections.abc import Sequence

from confluent_kafka import Message, Producer
from job import History, Job
from loop import Settings, run

CHANGE = struct.Struct("<qqq")


class Decider:
    """Decides a batch, an event after the other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._job = Job(settings.job)
        self._histories: dict[bytes, History] = {}

    def __call__(self, messages: Sequence[Message], to: Producer) -> None:
        """Decide all of it."""
        for message in messages:
            self._decide(message, to)

    def _decide(self, message: Message, to: Producer) -> None:
        settings, key, value = self._settings, message.key(), message.value()
        event = self._job.decode(value)
        history = self._histories.get(key)
        if history is None:
            history = self._histories[key] = History(None)
        source = (settings.events, message.partition(), message.offset())
        outputs = self._job.decide(value, event, history, source)
        change = CHANGE.pack(event["occurred_at_ms"], event["amount_minor"], message.offset())
        to.produce(settings.decisions, outputs.decision, key)
        to.produce(settings.audits, outputs.audit, key)
        to.produce(settings.changelog, change, b"%s#%d" % (key, source[2]), source[1])


if __name__ == "__main__":
    told = Settings.load(sys.argv[1])
    run(told, Decider(told))
