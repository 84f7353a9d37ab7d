"""Wiring the scoring service: what it reads, what it remembers, what it does."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from headrace.chassis.clients import Clients
from headrace.chassis.metrics import CountName, Metrics
from headrace.chassis.records import Handled, Outgoing, Received
from headrace.chassis.settings import KafkaSettings, StreamSettings
from headrace.chassis.stages import StageClock
from headrace.chassis.state import View
from headrace.chassis.stream import Stream
from headrace.chassis.table import Table
from headrace.chassis.telemetry import Telemetry
from headrace.chassis.topology import Channel, Topology
from headrace.chassis.wiring import Wiring
from headrace.contracts.records import DecisionMade
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.schemas import field_names
from headrace.contracts.topics import load_topics
from headrace.errors import HeadraceError
from headrace.models.keys import load_trusted
from headrace.models.linear import FrozenLinear
from headrace.models.serving import load_model
from headrace.scoring.domain import Scorer
from headrace.scoring.recording import SERVICE
from headrace.scoring.settings import ScoringSettings
from headrace.scoring.state import ScoringFormat, State
from headrace.usecase.charter import Charter
from headrace.usecase.entities import EntityLists
from headrace.usecase.history import HistoryFormat

_log = logging.getLogger("headrace.scoring")


def build(
    settings: ScoringSettings,
    kafka: KafkaSettings,
    registry: RegistrySettings,
    stream: StreamSettings,
    telemetry: Telemetry,
) -> Stream[State]:
    """Return the scoring service, ready to run.

    Raises
    ------
    HeadraceError
        The charter is wrong, the registry is down, or the topics and schemas were not applied.
    """
    charter = Charter.load(settings.charter, field_names)
    topics = load_topics(charter.name, charter.events.schema)
    wiring = Wiring(topics, Registry(registry))
    events = wiring.channel(f"{charter.name}.events")
    entities = wiring.channel(f"{charter.name}.entities")
    clients = Clients(kafka, f"headrace.{SERVICE}.{stream.instance}")
    lists = Table(clients, entities.topic, entities.decode)
    scorer = Scorer(
        charter,
        verified_model(settings, charter),
        EntityLists(lists.records),
        now_ms,
        events.topic,
        topics[events.topic].partitions,
    )
    return Stream(
        Topology(
            service=SERVICE,
            group=f"{charter.name}.{SERVICE}",
            source=events,
            dead_letters=wiring.channel(f"{charter.name}.events.dlq"),
            changelog=wiring.channel(f"{charter.name}.scoring.changelog"),
            pauses=wiring.channel(f"{charter.name}.pauses"),
        ),
        ScoringFormat(HistoryFormat(charter.retention_ms, charter.feature_set.layout)),
        Decider(
            scorer,
            wiring.channel(f"{charter.name}.decisions"),
            wiring.channel(f"{charter.name}.audits"),
        ),
        clients,
        stream,
        Metrics(SERVICE),
        telemetry,
        now_ms,
        [lists],
    )


def verified_model(settings: ScoringSettings, charter: Charter) -> FrozenLinear | None:
    """Return the model that serves the charter, or None where none can be verified."""
    try:
        trusted = load_trusted(settings.trusted_keys)
        folder = settings.model_folder(charter.name)
        return load_model(folder, trusted, charter.feature_set.digest)
    except HeadraceError as error:
        _log.error("the charter's rules decide in place of the model: %s", error)
        return None


class Decider:
    """The stream's handler: decides a batch, and encodes decisions and audit records."""

    def __init__(self, scorer: Scorer, decisions: Channel, audits: Channel) -> None:
        self._scorer = scorer
        self._decisions = decisions
        self._audits = audits

    def __call__(
        self, received: Sequence[Received], view: View[State], stages: StageClock
    ) -> Handled:
        """Return decision and audit record of each event, in the order of the events."""
        decided = self._scorer.decide(received, view, stages)
        stages.enter("encode")
        decisions, encode_decision, _ = self._decisions
        audits, encode_audit, _ = self._audits
        outgoing: list[Outgoing] = []
        counts: Counter[CountName] = Counter()
        for event, decision, audit in decided.recorded:
            if decision is None:
                counts["duplicates"] += 1
            else:
                counts["fallbacks"] += decision["fallback"] != ""
                counts["deadlines_missed"] += decision["deadline_missed"]
                value = encode_decision(decision)
                audit["decision_sha256"] = sha256(value).digest()
                said = _said(decision) if event.trace and event.trace.is_recorded else None
                outgoing.append(Outgoing(decisions, event.key, value, event.trace, said))
            outgoing.append(Outgoing(audits, event.key, encode_audit(audit)))
        return Handled(outgoing, decided.rejected, counts)


def _said(decision: DecisionMade) -> dict[str, str | bool | float]:
    """Return what a span says of a decision; a reason's words may be personal, its code is not."""
    return {
        "headrace.use_case": decision["use_case"],
        "headrace.decision_id": decision["decision_id"],
        "headrace.action": decision["action"],
        "headrace.score": decision["score"],
        "headrace.model": f"{decision['model']} {decision['model_version']}".rstrip(),
        "headrace.reason_codes": ", ".join(decision["reason_codes"]),
        "headrace.fallback": decision["fallback"],
        "headrace.late": decision["late"],
        "headrace.deadline_missed": decision["deadline_missed"],
    }


def now_ms() -> int:
    """Return the wall clock in milliseconds."""
    return time.time_ns() // 1_000_000
