"""Wiring the scoring service: what it reads, what it remembers, what it does."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Protocol

from headrace.chassis.beside import Beside
from headrace.chassis.clients import Clients
from headrace.chassis.clock import now_ms
from headrace.chassis.metrics import CountName
from headrace.chassis.produce import produce_one
from headrace.chassis.records import Answer, Handled, Outgoing, Received
from headrace.chassis.service import Around, ServiceBuilder
from headrace.chassis.stages import StageClock
from headrace.chassis.state import View
from headrace.chassis.stream import Stream
from headrace.chassis.table import Followed, Table, Tail
from headrace.chassis.topology import Channel
from headrace.contracts.records import ModelAudited
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.models.frozen import FrozenModel
from headrace.models.keys import load_trusted
from headrace.models.serving import load_model
from headrace.scoring.domain import Decided, Scorer
from headrace.scoring.intake import Fate
from headrace.scoring.published import PublishedModels
from headrace.scoring.recording import SERVICE, observations
from headrace.scoring.served import ServedModel
from headrace.scoring.settings import ScoringSettings
from headrace.scoring.state import ScoringFormat, State
from headrace.usecase.buckets import Bucket, BucketedProfiles
from headrace.usecase.charter import Charter
from headrace.usecase.entities import EntityLists
from headrace.usecase.history import HistoryFormat

_log = logging.getLogger("headrace.scoring")


def build(settings: ScoringSettings, around: Around) -> Stream[State]:
    """Return the scoring service, ready to run.

    Raises
    ------
    HeadraceError
        The charter is wrong, the registry is down, or the topics and schemas were not applied.
    """
    charter = Charter.load(settings.charter, field_names)
    builder = ServiceBuilder(SERVICE, charter.name, charter.events.schema, around)
    events, entities = builder.input("events"), builder.channel("entities")
    lists = Table(builder.clients, entities.topic, entities.decode)
    served = _served(settings, charter, builder)
    tables: list[Followed] = [lists, served]
    observed, look_up = None, None
    if charter.profiles:
        observed = builder.channel("observations")
        profiles = charter.feature_set.new_bucketed_profiles()
        tables.append(_followed(profiles, builder.clients, builder.channel("profiles")))
        look_up = profiles.measure

    def scorer_of(model: FrozenModel | None) -> Scorer:
        topic, entities = events.channel.topic, EntityLists(lists.records)
        partitions = builder.topics[topic].partitions
        return Scorer(charter, model, entities, now_ms, topic, partitions, look_up)

    decisions, audits = builder.channel("decisions"), builder.channel("audits")
    return builder.stream(
        ScoringFormat(HistoryFormat(charter.retention_ms, charter.feature_set.layout)),
        [events],
        [Decider(served, scorer_of, decisions, audits, observed)],
        tables,
    )


def _followed(profiles: BucketedProfiles, clients: Clients, published: Channel) -> Tail:
    """Return what keeps profiles as they are published."""

    def take(name: str, record: Mapping[str, Any] | None) -> None:
        bucket = Bucket.parse(name)
        if record is None:
            profiles.forget(bucket)
        else:
            profiles.put(bucket, record["events"], record["positives"])

    return Tail(clients, published.topic, published.decode, take)


def _served(settings: ScoringSettings, charter: Charter, builder: ServiceBuilder) -> ServedModel:
    """Return what follows which model is to serve."""
    clients = builder.clients
    models, chunks, servings, audits = map(
        builder.channel, ("models", "model-chunks", "servings", "model-audits")
    )
    published = PublishedModels(
        clients, models, chunks, settings.trusted_keys, charter.feature_set.digest
    )

    def audit(record: ModelAudited) -> None:
        produce_one(clients, audits.topic, record["digest"].hex(), audits.encode(record))

    return ServedModel(
        Table(clients, servings.topic, servings.decode),
        verified_model(settings, charter),
        published.to_serve,
        audit,
        Beside(),
        builder.metrics,
        builder.around.stream.instance,
        now_ms,
    )


def verified_model(settings: ScoringSettings, charter: Charter) -> FrozenModel | None:
    """Return the model that serves until one is published; None where it cannot be verified."""
    try:
        trusted = load_trusted(settings.trusted_keys)
        folder = settings.model_folder(charter.name)
        return load_model(folder, trusted, charter.feature_set.digest)
    except HeadraceError as error:
        _log.error("the charter's rules decide in place of the model: %s", error)
        return None


class Serves(Protocol):
    """What has a model that serves."""

    @property
    def model(self) -> FrozenModel | None:
        """It, or None where the charter's rules decide."""


class Decider:
    """The stream's handler: decides a batch, and encodes decisions and audit records.

    Parameters
    ----------
    serving
        Has the model that serves; while a batch is decided it stands still.
    scorer_of
        Makes what decides by a model, or by the rules alone where there is none.
    observed
        Where profiles hear of what was decided; None where the charter has none.
    """

    def __init__(
        self,
        serving: Serves,
        scorer_of: Callable[[FrozenModel | None], Scorer],
        decisions: Channel,
        audits: Channel,
        observed: Channel | None = None,
    ) -> None:
        self._serving = serving
        self._scorer_of = scorer_of
        self._model = serving.model
        self._scorer = scorer_of(serving.model)
        self._decisions = decisions
        self._audits = audits
        self._observed = observed

    def __call__(
        self, received: Sequence[Received], view: View[State], stages: StageClock
    ) -> Handled:
        """Return decision and audit record of each event, in the order of the events."""
        if self._serving.model is not self._model:
            self._model = self._serving.model
            self._scorer = self._scorer_of(self._model)
        decided = self._scorer.decide(received, view, stages)
        accepted, fates = decided.accepted, decided.fates
        stages.enter("encode")
        values = self._decisions.encode.batch(*decided.decisions)
        digests = [sha256(value).digest() for value in values]
        audits = self._audits.encode.batch(*self._scorer.audits(decided, digests))
        outgoing = [
            Outgoing(self._decisions.topic, _keys(accepted), values, _answers(decided)),
            Outgoing(self._audits.topic, _keys(fates), audits),
        ]
        if self._observed is not None:
            owners, told = observations(decided.decisions)
            outgoing.append(
                Outgoing(self._observed.topic, owners, self._observed.encode.batch(*told))
            )
        counts: Counter[CountName] = Counter(
            {
                "duplicates": len(fates) - len(accepted),
                "fallbacks": len(decided.judged.tried.fallbacks),
                "deadlines_missed": sum(v.missed for v in decided.judged.verdicts.values()),
            }
        )
        return Handled(outgoing, decided.rejected, counts)


def _keys(fates: Sequence[Fate]) -> list[str]:
    return [fate.event.key for fate in fates]


def _answers(decided: Decided) -> dict[int, Answer]:
    """Return, by row, what goes on in the trace of an event, and what its span says."""
    traces = [(row, fate.event.trace) for row, fate in enumerate(decided.accepted)]
    return {
        row: Answer(trace, _said(decided.decisions.row(row)) if trace.is_recorded else {})
        for row, trace in traces
        if trace is not None
    }


def _said(decision: Mapping[str, Any]) -> dict[str, str | bool | float]:
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
