"""``headrace publish``: recorded or simulated events onto a use case's topic."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from confluent_kafka import KafkaException, Producer
from cyclopts import ArgumentCollection, Group, Parameter
from cyclopts.validators import Number

from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings
from headrace.chassis.telemetry import telemetry
from headrace.chassis.wiring import Wiring
from headrace.commands.publishing import end, run, show
from headrace.contracts.location import shipped
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.topics import load_topics
from headrace.errors import HeadraceError
from headrace.simulator.desk import LabelDesk
from headrace.simulator.labelling import Labelling
from headrace.simulator.ledger import Ledger, require_format
from headrace.simulator.publisher import Publisher
from headrace.simulator.scenario import Drift, Scenario
from headrace.simulator.seasons import SPAN_DAYS
from headrace.simulator.sources import events_topic, recorded, simulated
from headrace.usecase.charter import Charter

REQUEST_TIMEOUT_S: Final = 10.0

_RECORDED: Final = frozenset({"--from", "--mapping", "--limit"})
_SIMULATED: Final = frozenset({"--simulate", "--seed", "--drift", "--days", "--truth", "--labels"})


def _one_source(arguments: ArgumentCollection) -> None:
    given = {argument.name for argument in arguments if argument.tokens}
    if ("--from" in given) == ("--simulate" in given):
        raise ValueError("Give one of --from and --simulate.")
    source, own = ("--from", _RECORDED) if "--from" in given else ("--simulate", _SIMULATED)
    if alien := sorted(given - own):
        raise ValueError(f"{', '.join(alien)} does not go with {source}.")


def _drifts(_: Any, texts: Sequence[str] | None) -> None:
    kinds = [Drift.parse(text).kind for text in texts or ()]
    if len(kinds) != len(set(kinds)):
        raise ValueError("Each kind of drift can be switched on once.")


_SOURCE = Group("What to publish", validator=_one_source)
_DRIFT = Parameter(group=_SOURCE, validator=_drifts, negative="")
_FLAG = Parameter(group=_SOURCE, negative="")


def publish(
    *,
    file: Annotated[Path | None, Parameter(name="--from", group=_SOURCE)] = None,
    mapping: Annotated[Path | None, Parameter(group=_SOURCE)] = None,
    limit: Annotated[int | None, Parameter(group=_SOURCE, validator=Number(gte=1))] = None,
    simulate: Annotated[int | None, Parameter(group=_SOURCE, validator=Number(gte=1))] = None,
    seed: Annotated[int, Parameter(group=_SOURCE, validator=Number(gte=0))] = 1,
    drift: Annotated[list[str] | None, _DRIFT] = None,
    days: Annotated[int, Parameter(group=_SOURCE, validator=Number(gte=1, lte=3_650))] = SPAN_DAYS,
    truth: Annotated[Path | None, Parameter(group=_SOURCE)] = None,
    labels: Annotated[bool, _FLAG] = False,
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
        So many simulated records: cards, merchants and thieves over six weeks from 2026-01-01,
        some of the records late, out of order, twice or broken. The same seed and number, the
        same bytes.
    seed
        Seed of the simulation.
    drift
        What changes in the simulation at an event time: concept@2026-02-01 (thieves change their
        ways) or data@2026-02-01T06:00:00/2026-02-08 (everybody's habits do, for a while);
        concept*2@2026-02-01~14d is twice as much and comes within 14 days. Can be given once for
        each.
    days
        Event time that the simulated records fill: the more, the fewer cards. Labels of a charge
        back come after weeks, so in a long world much is known while it still goes on.
    truth
        A .parquet or .csv file to write the truth about the simulated events to: fraud, its
        pattern, the age band of the card's holder.
    labels
        Also follow the decisions about the simulated events and publish what becomes known of
        them, and each source's heartbeats. Needs scoring to run; ends when every label has been
        published.
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
    registry, clients = Registry(RegistrySettings()), Clients(KafkaSettings())
    ledger = None if truth is None else _ledger(truth)
    drifts = tuple(map(Drift.parse, drift or ()))
    if file is not None:
        mapping = mapping or deploy / "mappings" / "fdh.toml"
        source = recorded(case, registry, file, mapping, limit)
    else:
        source = simulated(
            case, registry, simulate or 0, seed, drifts=drifts, days=days, ledger=ledger
        )
    # At a rate each record counts from when it is due, so none waits to be sent with others.
    linger = {} if rate is None else {"linger.ms": 0}
    producer = clients.producer(**linger)
    topic = events_topic(case)
    _require(producer, topic)
    scenario = Scenario(seed, simulate or 0, drifts, days)
    labelling = _labelling(case, registry, clients, scenario) if labels else None
    with telemetry("headrace.publisher") as traced:
        publisher = Publisher(producer, topic, traced, rate=rate)
        try:
            interrupted = run(publisher, source, labelling)
        except KafkaException as error:
            raise HeadraceError(f"Kafka refuses to go on: {error.args[0].str()}") from error
        finally:
            if ledger is not None and truth is not None:
                ledger.write(truth)
            show(publisher.outcome, topic, labelling, json=json)
    end(publisher.outcome, interrupted=interrupted)


def _ledger(path: Path) -> Ledger:
    require_format(path)
    return Ledger()


def _labelling(
    case: Charter, registry: Registry, clients: Clients, scenario: Scenario
) -> Labelling:
    topics = load_topics(case.name, case.events.schema)
    wiring = Wiring(topics, registry)
    decisions, labels = (wiring.channel(f"{case.name}.{name}") for name in ("decisions", "labels"))
    partitions = topics[decisions.topic].partitions
    wait_ms = case.labels.horizon_ms + case.events.lateness_ms
    return Labelling(clients, LabelDesk(scenario), decisions, labels, partitions, wait_ms)


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
