"""Wiring the scoring service: what it reads, what it remembers, what it does."""

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
from headrace.chassis.topology import Channel, Topology
from headrace.chassis.wiring import Wiring
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.schemas import field_names
from headrace.contracts.topics import load_topics
from headrace.models.artefact import read_artefact
from headrace.models.keys import load_trusted
from headrace.models.logistic import FrozenLogistic
from headrace.scoring.domain import SERVICE, Scorer
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter
from headrace.usecase.windows import HistoryFormat, KeyHistory


def build(
    settings: ScoringSettings,
    kafka: KafkaSettings,
    registry: RegistrySettings,
    stream: StreamSettings,
) -> Stream[KeyHistory]:
    """Return the scoring service, ready to run.

    Raises
    ------
    HeadraceError
        The charter is wrong, the model is not trusted, the registry is down, or the topics and
        schemas were not applied.
    """
    charter = Charter.load(settings.charter, field_names)
    trusted = load_trusted(settings.trusted_keys)
    folder = settings.model_folder(charter.name)
    model = FrozenLogistic(read_artefact(folder, trusted, charter.feature_set.digest))
    wiring = Wiring(load_topics(charter.name, charter.events.schema), Registry(registry))
    events = wiring.channel(f"{charter.name}.events")
    return Stream(
        Topology(
            service=SERVICE,
            group=f"{charter.name}.{SERVICE}",
            source=events,
            dead_letters=wiring.channel(f"{charter.name}.events.dlq"),
            changelog=wiring.channel(f"{charter.name}.scoring.changelog"),
            pauses=wiring.channel(f"{charter.name}.pauses"),
        ),
        HistoryFormat(charter.retention_ms),
        Decider(
            Scorer(charter, model, now_ms, events.topic),
            wiring.channel(f"{charter.name}.decisions"),
            wiring.channel(f"{charter.name}.audits"),
        ),
        Clients(kafka, f"headrace.{SERVICE}.{stream.instance}"),
        stream,
        Metrics(SERVICE),
        now_ms,
    )


class Decider:
    """The stream's handler: decides a batch, and encodes decisions and audit records."""

    def __init__(self, scorer: Scorer, decisions: Channel, audits: Channel) -> None:
        self._scorer = scorer
        self._decisions = decisions
        self._audits = audits

    def __call__(
        self, received: Sequence[Received], view: View[KeyHistory], stages: StageClock
    ) -> Handled:
        """Return decision and audit record of each event, in the order of the events."""
        decided = self._scorer.decide(received, view, stages)
        stages.enter("encode")
        decisions, encode_decision, _ = self._decisions
        audits, encode_audit, _ = self._audits
        outgoing: list[Outgoing] = []
        counts: Counter[CountName] = Counter()
        for decision, audit in decided.recorded:
            if decision is None:
                counts["duplicates"] += 1
            else:
                value = encode_decision(decision)
                audit["decision_sha256"] = sha256(value).digest()
                outgoing.append(Outgoing(decisions, decision["key"], value))
            outgoing.append(Outgoing(audits, audit["key"], encode_audit(audit)))
        return Handled(outgoing, decided.rejected, counts)


def now_ms() -> int:
    """Return the wall clock in milliseconds."""
    return time.time_ns() // 1_000_000
