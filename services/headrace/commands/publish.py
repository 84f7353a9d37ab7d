"""``headrace publish``: recorded or simulated events onto a use case's topic."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated, Final

from confluent_kafka import KafkaException, Producer
from cyclopts import ArgumentCollection, Group, Parameter
from cyclopts.validators import Number
from rich.progress import track

from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings
from headrace.commands import console
from headrace.contracts.location import shipped
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.errors import HeadraceError
from headrace.simulator.publisher import Published, Publisher
from headrace.simulator.sources import Source, events_topic, recorded, simulated
from headrace.usecase.charter import Charter

REQUEST_TIMEOUT_S: Final = 10.0
INTERRUPTED: Final = 130

_RECORDED: Final = frozenset({"--from", "--mapping", "--limit"})
_SIMULATED: Final = frozenset({"--simulate", "--seed"})


def _one_source(arguments: ArgumentCollection) -> None:
    given = {argument.name for argument in arguments if argument.tokens}
    if ("--from" in given) == ("--simulate" in given):
        raise ValueError("Give one of --from and --simulate.")
    source, own = ("--from", _RECORDED) if "--from" in given else ("--simulate", _SIMULATED)
    if alien := sorted(given - own):
        raise ValueError(f"{', '.join(alien)} does not go with {source}.")


_SOURCE = Group("What to publish", validator=_one_source)


def publish(
    *,
    file: Annotated[Path | None, Parameter(name="--from", group=_SOURCE)] = None,
    mapping: Annotated[Path | None, Parameter(group=_SOURCE)] = None,
    limit: Annotated[int | None, Parameter(group=_SOURCE, validator=Number(gte=1))] = None,
    simulate: Annotated[int | None, Parameter(group=_SOURCE, validator=Number(gte=1))] = None,
    seed: Annotated[int, Parameter(group=_SOURCE, validator=Number(gte=0))] = 1,
    rate: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    charter: Path | None = None,
    json: bool = False,
) -> None:
    """Publish events; exit 1 where a record was not acknowledged, 130 after Ctrl-C.

    Parameters
    ----------
    file
        A Parquet file of recorded transactions, one event a row.
    mapping
        Which of the file's columns become which fields. Default: the Fraud Detection Handbook's.
    limit
        Only so many rows of the file.
    simulate
        So many simulated records: cards and merchants over six weeks from 2026-01-01, some of
        the records late, out of order, twice or broken. The same seed and number, the same bytes.
    seed
        Seed of the simulation.
    rate
        Events a second, on a schedule that never waits: what is overdue goes out at once.
        Default: as fast as the broker takes them.
    charter
        The use case. Default: card-fraud.
    json
        Print the summary as JSON.
    """
    deploy = shipped("deploy")
    case = Charter.load(charter or deploy / "charters" / "card-fraud.toml")
    registry = Registry(RegistrySettings())
    if file is not None:
        mapping = mapping or deploy / "mappings" / "fdh.toml"
        source = recorded(case, registry, file, mapping, limit)
    else:
        source = simulated(case, registry, simulate or 0, seed)
    # At a rate each record counts from when it is due, so none waits to be sent with others.
    linger = {} if rate is None else {"linger.ms": 0}
    producer = Clients(KafkaSettings()).producer(**linger)
    topic = events_topic(case)
    _require(producer, topic)
    publisher = Publisher(producer, topic, rate=rate)
    try:
        _run(publisher, source)
    finally:
        _show(publisher.outcome, topic, json=json)
    _end(publisher.outcome)


def _run(publisher: Publisher, source: Source) -> None:
    bar = track(
        source.publications,
        "publishing",
        total=source.records,
        console=console.errors,
        transient=True,
        disable=not console.errors.is_terminal,
    )
    try:
        with _stopped_by_interrupt() as stop:
            publisher.run(bar, stop)
    except KafkaException as error:
        raise HeadraceError(f"Kafka refuses to go on: {error.args[0].str()}") from error


@contextmanager
def _stopped_by_interrupt() -> Iterator[Event]:
    """Let the first Ctrl-C set the event, so that what was queued is sent; the second kills."""
    stop = Event()
    before = signal.getsignal(signal.SIGINT)

    def interrupt(*_: object) -> None:
        console.progress("interrupted: waiting for what was sent")
        stop.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _require(producer: Producer, topic: str) -> None:
    """Make sure that the topic is there, without the broker making one by itself."""
    try:
        topics = producer.list_topics(timeout=REQUEST_TIMEOUT_S).topics
    except KafkaException as error:
        raise HeadraceError(
            f"Kafka does not answer: {error.args[0].str()}",
            fix="Start it with `headrace up`, or set KAFKA_BOOTSTRAP_SERVERS to yours.",
        ) from error
    if topic not in topics:
        raise HeadraceError(f"There is no topic {topic}.", fix="Run `headrace topics apply`.")


def _show(outcome: Published, topic: str, *, json: bool) -> None:
    late_s = outcome.max_lateness_s
    summary: dict[str, object] = {
        "published": outcome.published,
        "failed": outcome.failed,
        "seconds": round(outcome.seconds, 3),
        "events_per_s": round(outcome.rate),
        "max_lateness_ms": None if late_s is None else round(late_s * 1_000, 3),
    }
    if json:
        by_kind = dict(outcome.by_kind)
        console.print_json({"topic": topic, **summary, "by_kind": by_kind})
        return
    numbers = [*outcome.by_kind.most_common(), *summary.items()]
    rows = [{"": name, "value": value} for name, value in numbers if value is not None]
    console.print_table(f"Published to {topic}", rows)


def _end(outcome: Published) -> None:
    if outcome.stopped:
        sys.exit(INTERRUPTED)
    if outcome.failed:
        raise HeadraceError(
            f"{outcome.failed} records were not acknowledged; the first: {outcome.first_failure}",
            fix="Look at the broker with `headrace status` and publish again: what arrived is a "
            "duplicate then.",
        )
