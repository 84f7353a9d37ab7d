"""What must hold after any fault: the promises, and the outcome of a run that nothing disturbed."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from headrace.chassis.batch import Fetched, decode
from headrace.chassis.clients import Clients
from headrace.chassis.clock import now_ms
from headrace.chassis.reading import read_to_end
from headrace.chassis.restore import Restorer
from headrace.chassis.stages import StageClock
from headrace.chassis.state import KeyedState
from headrace.chassis.tracing import Sampler
from headrace.chassis.wiring import Wiring
from headrace.contracts.registry import Registry
from headrace.models.artefact import read_artefact
from headrace.models.frozen import FrozenModel
from headrace.models.keys import load_trusted
from headrace.scoring.domain import Scorer
from headrace.scoring.settings import ScoringSettings
from headrace.scoring.state import ScoringFormat, State
from headrace.usecase.charter import Charter
from headrace.usecase.entities import EntityLists
from headrace.usecase.history import HistoryFormat, KeyHistory
from headrace.verification.terms import load_terms
from headrace.verification.verifier import Verifier

Source = tuple[int, int]
"""Partition and offset of an event."""
Contents = dict[tuple[int, str], list[Any]]
"""The entries of each key's history, with their slots."""
_TIMEOUT_S = 30.0


class Outcome(NamedTuple):
    """What came of the events, wherever it was computed."""

    features: dict[Source, list[float]]
    """Of each decided event: its windows tell a change of state that was lost or made twice."""
    state: Contents


class Topics(NamedTuple):
    """Where the topics of a use case are read, and how."""

    clients: Clients
    wiring: Wiring
    name: str

    def read(self, plural: str, partitions: list[int]) -> list[Fetched]:
        """Return every committed record of a topic."""
        topic = f"{self.name}.{plural}"
        batches = read_to_end(self.clients, topic, partitions, _TIMEOUT_S)
        return [message for batch in batches for message in batch]


def assert_verified(clients: Clients, registry: Registry, settings: ScoringSettings) -> None:
    """Hold the topics to what ``headrace verify`` promises."""
    terms = load_terms(settings.charter)
    report = Verifier(clients, registry, terms, _TIMEOUT_S, print).verify(allow_pending=False)
    assert report.passed, [result for result in report.results if result.verdict == "FAIL"]


def assert_as_undisturbed(
    topics: Topics, settings: ScoringSettings, committed: Mapping[int, int]
) -> None:
    """Compare the windows of every decision, and the state, with those of a replay in memory.

    Parameters
    ----------
    committed
        Where the group stands: the end of each partition of the events.
    """
    expected = _replayed(topics, settings, list(committed))
    found = _left(topics, settings, committed)
    assert expected.features, "nothing was decided"
    assert _differing(expected.features, found.features) == {}
    assert _differing(expected.state, found.state) == {}


def _replayed(topics: Topics, settings: ScoringSettings, partitions: list[int]) -> Outcome:
    """Decide all events in one batch, as they stand in their topic."""
    charter = Charter.load(settings.charter)
    trusted = load_trusted(settings.trusted_keys)
    artefact = read_artefact(
        settings.model_folder(charter.name), trusted, charter.feature_set.digest
    )
    events = topics.wiring.channel(f"{topics.name}.events")
    everybody = EntityLists({})
    scorer = Scorer(
        charter, FrozenModel(artefact), everybody, now_ms, events.topic, len(partitions)
    )
    messages = sorted(
        topics.read("events", partitions), key=lambda each: (each.partition(), each.offset())
    )
    received, _, _ = decode(messages, events.decode, {}, Sampler(0.0, records=False))
    state = _state(charter)
    overlay = state.overlay()
    decided = scorer.decide(received, overlay, StageClock())
    overlay.merge(set(partitions))
    return Outcome(_features(decided.decisions.rows()), _contents(state))


def _left(topics: Topics, settings: ScoringSettings, committed: Mapping[int, int]) -> Outcome:
    """Return what the service left: its decisions, and the state as a restart would restore it."""
    charter = Charter.load(settings.charter)
    decisions = topics.wiring.channel(f"{topics.name}.decisions")
    made = [decisions.decode(each.value()) for each in topics.read("decisions", list(committed))]
    changelog = topics.wiring.channel(f"{topics.name}.scoring.changelog")
    state = _state(charter)
    restorer = Restorer(topics.clients, changelog.topic, changelog.decode)
    offsets = {partition: (offset,) for partition, offset in committed.items()}
    assert restorer.restore(state, offsets, lambda: True, _TIMEOUT_S)
    return Outcome(_features(made), _contents(state))


def _features(decisions: Iterable[Mapping[str, Any]]) -> dict[Source, list[float]]:
    return {
        (each["source_partition"], each["source_offset"]): each["features"] for each in decisions
    }


def _state(charter: Charter) -> KeyedState[State]:
    histories = HistoryFormat(charter.retention_ms, charter.feature_set.layout)
    return KeyedState(ScoringFormat(histories))


def _contents(state: KeyedState[State]) -> Contents:
    """Without the reviews: whether one is asked for depends on when an event is decided."""
    return {
        (partition, key): list(value)
        for partition, key, value in state
        if isinstance(value, KeyHistory)
    }


def _differing(expected: Mapping[Any, object], found: Mapping[Any, object]) -> dict[Any, object]:
    """Return a few of the keys at which the two differ, with both values."""
    keys = [key for key in sorted({*expected, *found}) if expected.get(key) != found.get(key)]
    return {key: (expected.get(key), found.get(key)) for key in keys[:3]}
