"""The job on Quix Streams: a stateful apply over a keyed topic, exactly once."""

import sys
from pathlib import Path
from typing import Any

from quixstreams import Application, State, message_context
from quixstreams.state.rocksdb import RocksDBOptions

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from job import History, Job, Outputs, Settings


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
    decisions = app.topic(settings.decisions, key_serializer="str", value_serializer="bytes")
    audits = app.topic(settings.audits, key_serializer="str", value_serializer="bytes")

    def decide(value: bytes, state: State) -> Outputs:
        source = message_context()
        history = History(state.get_bytes("history"))
        outputs = job.decide(
            value, job.decode(value), history, (source.topic, source.partition, source.offset)
        )
        state.set_bytes("history", history.packed())
        return outputs

    decided = app.dataframe(events).apply(decide, stateful=True)
    decided.apply(decision_of).to_topic(decisions)
    decided.apply(audit_of).to_topic(audits)
    app.run()


def decision_of(outputs: Any) -> bytes:
    """Return the decision."""
    return outputs.decision


def audit_of(outputs: Any) -> bytes:
    """Return the audit record."""
    return outputs.audit


if __name__ == "__main__":
    main()
