"""The job on Quix Streams: a stateful apply over a keyed topic, exactly once."""

import sys
from operator import attrgetter

from job import History, Job, Outputs, Settings
from quixstreams import Application, State, message_context
from quixstreams.models import SerializationContext, Serializer
from quixstreams.state.rocksdb import RocksDBOptions


class Part(Serializer):
    """Writes one of the outputs, which are bytes already."""

    def __init__(self, name: str) -> None:
        self._of = attrgetter(name)

    def __call__(self, value: Outputs, ctx: SerializationContext) -> bytes:
        """Return its bytes."""
        del ctx
        return self._of(value)


def main() -> None:
    """Decide until SIGTERM."""
    settings = Settings.load(sys.argv[1])
    job, tuning = Job(settings.job), settings.tuning
    app = Application(
        broker_address=settings.bootstrap_servers,
        consumer_group=settings.group,
        processing_guarantee="exactly-once",
        auto_offset_reset="earliest",
        state_dir=settings.state_dir,
        commit_interval=tuning["commit_interval_s"],
        commit_every=tuning["commit_every"],
        consumer_poll_timeout=tuning["poll_timeout_s"],
        consumer_extra_config=tuning["consumer"],
        producer_extra_config=tuning["producer"],
        rocksdb_options=RocksDBOptions(**tuning["rocksdb"]),
        loglevel="WARNING",
    )
    events = app.topic(settings.events, key_deserializer="str", value_deserializer="bytes")
    decisions = app.topic(settings.decisions, value_serializer=Part("decision"))
    audits = app.topic(settings.audits, value_serializer=Part("audit"))

    def decide(value: bytes, state: State) -> Outputs:
        source = message_context()
        history = History(state.get_bytes("history"))
        outputs = job.decide(
            value, job.decode(value), history, (source.topic, source.partition, source.offset)
        )
        state.set_bytes("history", history.packed())
        return outputs

    # In a line, not in two branches: for each branch Quix copies the value by pickle.
    app.dataframe(events).apply(decide, stateful=True).to_topic(decisions).to_topic(audits)
    app.run()


if __name__ == "__main__":
    main()
