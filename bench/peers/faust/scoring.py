"""The job on Faust: an agent over a stream, and a table with a changelog, exactly once."""

import logging
import sys
from typing import Any

import faust
from job import History, Job, Settings


def main() -> None:
    """Decide until SIGTERM."""
    settings = Settings.load(sys.argv[1])
    job = Job(settings.job)
    app = faust.App(
        settings.group,
        broker=f"kafka://{settings.bootstrap_servers}",
        processing_guarantee="exactly_once",
        store="memory://",
        datadir=settings.state_dir,
        topic_partitions=4,
        topic_replication_factor=1,
        topic_disable_leader=True,
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        **settings.tuning,
    )
    events = app.topic(settings.events, key_type=bytes, value_type=bytes)
    decisions = app.topic(settings.decisions, key_type=bytes, value_type=bytes)
    audits = app.topic(settings.audits, key_type=bytes, value_type=bytes)
    histories = app.Table("histories", partitions=4, key_type=bytes, value_type=bytes)

    @app.agent(events, concurrency=1)
    async def decide(stream: Any) -> None:
        async for event in stream.events():
            source, key, value = event.message, event.key, event.value
            history = History(histories.get(key))
            outputs = job.decide(
                value, job.decode(value), history, (source.topic, source.partition, source.offset)
            )
            histories[key] = history.packed()
            await decisions.send(key=key, value=outputs.decision)
            await audits.send(key=key, value=outputs.audit)

    sys.argv = [sys.argv[0], "--loop", "uvloop", "worker", "--loglevel", "warn"]
    logging.disable(logging.INFO)  # or Faust makes a record of each message that it sends
    app.main()


if __name__ == "__main__":
    main()
