"""The job on plain confluent-kafka, by hand: what exactly once costs is the difference of two runs.

Batches of what is there; the windows in memory, each change of them in a changelog (which this
program never reads back). ``exactly_once`` off is at least once: everything is flushed, then the
offsets are committed.
"""

import signal
import struct
import sys
from itertools import cycle
from pathlib import Path

from confluent_kafka import Consumer, Message, Producer, TopicPartition

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from job import History, Job, Settings

CHANGE = struct.Struct("<qqq")
TIMEOUT_S = 60.0


def main() -> None:
    """Decide until SIGTERM."""
    settings = Settings.load(sys.argv[1])
    tuning = settings.tuning
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": settings.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            **tuning["consumer"],
        }
    )
    consumer.subscribe([settings.events])
    exactly_once = tuning["exactly_once"]
    producers = [producer(settings, turn, exactly_once=exactly_once) for turn in range(2)]
    stopped: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    decide = Decider(settings)
    for each in cycle(producers):
        messages: list[Message] = []
        while not messages and not stopped:
            first = consumer.poll(0.1)
            messages = [first, *consumer.consume(tuning["batch_records"] - 1, 0)] if first else []
        if stopped:
            break
        if exactly_once:
            each.begin_transaction()
        for message in messages:
            decide(message, each)
        reached = {message.partition(): message.offset() + 1 for message in messages}
        offsets = [TopicPartition(settings.events, *at) for at in reached.items()]
        if exactly_once:
            metadata = consumer.consumer_group_metadata()
            each.send_offsets_to_transaction(offsets, metadata, TIMEOUT_S)
            each.commit_transaction(TIMEOUT_S)
        else:
            each.flush(TIMEOUT_S)
            consumer.commit(offsets=offsets, asynchronous=False)
    consumer.close()


def producer(settings: Settings, turn: int, *, exactly_once: bool) -> Producer:
    """Return a producer; where it is to be exactly once, ready for transactions."""
    config = {
        "bootstrap.servers": settings.bootstrap_servers,
        "partitioner": "murmur2_random",
        "enable.idempotence": True,
        **settings.tuning["producer"],
    }
    if exactly_once:
        config["transactional.id"] = f"{settings.group}.{turn}"
    made = Producer(config)
    if exactly_once:
        made.init_transactions(TIMEOUT_S)
    return made


class Decider:
    """Decides a message, and hands what comes of it to a producer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._job = Job(settings.job)
        self._histories: dict[bytes, History] = {}

    def __call__(self, message: Message, to: Producer) -> None:
        """Decide one."""
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
    main()
