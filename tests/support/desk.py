"""A scorer that decides in memory, with a charter of a test's own."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from headrace.chassis.records import Received, Rejected
from headrace.chassis.stages import StageClock
from headrace.chassis.state import Change, KeyedState
from headrace.contracts.location import shipped
from headrace.contracts.records import DecisionMade
from headrace.contracts.schemas import field_names
from headrace.models.frozen import FrozenModel
from headrace.models.keys import generate_key
from headrace.models.scorecard import freeze_scorecard
from headrace.models.scored import Scored
from headrace.scoring.domain import Scorer
from headrace.scoring.state import ScoringFormat, State
from headrace.usecase.charter import Charter
from headrace.usecase.entities import EntityLists, entity_key
from headrace.usecase.history import HistoryFormat

CARD_FRAUD = shipped("deploy") / "charters/card-fraud.toml"
NOW_MS = 1_700_000_000_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000
TOPIC = "card-fraud.events"
PARTITIONS = 2


@lru_cache
def charter_with(*changes: tuple[str, str]) -> Charter:
    """The shipped charter with other texts for some of its texts."""
    text = CARD_FRAUD.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "charter.toml"
        path.write_text(text)
        return Charter.load(path, field_names)


def scorecard_of(charter: Charter) -> FrozenModel:
    """The charter's scorecard, frozen."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        key = generate_key(root / "signing.pem", root / "trusted")
        return FrozenModel(freeze_scorecard(charter, root / "model", key, NOW_MS))


class Saying(FrozenModel):
    """A model that says what a test wants.

    Parameters
    ----------
    says
        The scores (n,) of events with these amounts (n,).
    contributions
        By feature, what it added to every score.
    """

    bounds = (0.0, 1.0)

    def __init__(
        self,
        charter: Charter,
        says: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        contributions: Mapping[str, float] | None = None,
    ) -> None:
        names = charter.feature_set.names
        self.name, self.version, self.digest = "saying", "1", b"s" * 32
        self.usual = (1.0,) * len(names)
        self._says = says
        self._amount = names.index("amount_minor")
        self._added = [(contributions or {}).get(name, 0.0) for name in names]

    def score(self, matrix: NDArray[np.float64]) -> Scored:
        """Say it."""
        return Scored(self._says(matrix[:, self._amount]), np.tile(self._added, (len(matrix), 1)))


def always(score: float) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """The same score for all."""
    return lambda amounts: np.full(len(amounts), score)


def state_of(charter: Charter) -> KeyedState[State]:
    """An empty state for the charter."""
    histories = HistoryFormat(charter.retention_ms, charter.feature_set.layout)
    return KeyedState(ScoringFormat(histories))


NO_DIGEST: Final = b"?" * 32


class Written(NamedTuple):
    """What is written down of a batch, in the order of its events."""

    recorded: list[tuple[dict[str, Any] | None, dict[str, Any]]]
    """Decision (None for a duplicate) and audit record of each."""
    rejected: list[Rejected]


class Desk:
    """A scorer with its state, which it keeps from batch to batch."""

    def __init__(
        self,
        charter: Charter,
        model: FrozenModel | None,
        topic: str = TOPIC,
        partitions: int = PARTITIONS,
    ) -> None:
        self.charter = charter
        self.state = state_of(charter)
        self.changes: list[Change] = []
        self.now_ms = NOW_MS
        self._entries: dict[str, dict[str, Any]] = {}
        lists = EntityLists(self._entries)
        self._scorer = Scorer(charter, model, lists, lambda: self.now_ms, topic, partitions)

    def decide(self, *batch: Received) -> "Written":
        """Decide a batch, and commit."""
        overlay = self.state.overlay()
        decided = self._scorer.decide(batch, overlay, StageClock())
        overlay.merge({event.partition for event in batch})
        self.changes += overlay.changes
        decisions = decided.decisions.rows()
        audits = self._scorer.audits(decided, [NO_DIGEST] * len(decisions)).rows()
        rest = iter(decisions)
        recorded = [
            (next(rest) if audit["kind"] == "decision" else None, audit) for audit in audits
        ]
        assert next(rest, None) is None
        return Written(recorded, decided.rejected)

    def decisions(self, *batch: Received) -> list[DecisionMade]:
        """Decide a batch of which every event has a decision."""
        decisions = [decision for decision, _ in self.decide(*batch).recorded]
        assert len(decisions) == len(batch)
        return cast("list[DecisionMade]", decisions)

    def decision(self, event: Received) -> DecisionMade:
        """Decide one event."""
        (decision,) = self.decisions(event)
        return decision

    def put(self, name: str, entity: str, *, listed: bool = True) -> None:
        """Put an entity on a list, or take it off."""
        self._entries[entity_key(name, entity)] = {"listed": listed}

    def restarted(self, model: FrozenModel | None) -> "Desk":
        """Return another desk whose state is restored from what this one's changelog keeps."""
        other = Desk(self.charter, model)
        for change in reversed(compacted(self.changes)):
            other.state.restore(change)
        return other


def compacted(changes: Sequence[Change]) -> list[Change]:
    """What a compacted changelog keeps of changes."""
    return list({(each.partition, each.key, each.slot): each for each in changes}.values())


def received(
    offset: int,
    *,
    partition: int = 0,
    key: str | None = None,
    arrived_ms: int = NOW_MS,
    **fields: Any,
) -> Received:
    """A valid transaction but for the given fields."""
    record = {
        "event_id": f"e-{partition}-{offset}",
        "card_id": "card-1",
        "merchant_id": "merchant-1",
        "amount_minor": 4_200,
        "currency": "EUR",
        "occurred_at_ms": NOW_MS - DAY_MS + offset * MINUTE_MS,
        "distance_km": None,
        **fields,
    }
    value = repr(sorted(record.items())).encode()
    key = record["card_id"] if key is None else key
    return Received(partition, offset, key, value, record, arrived_ms)


def replaced(event: Received, **fields: Any) -> Received:
    """Return a record as it was read, but for some fields."""
    names = ("partition", "offset", "key", "value", "record", "timestamp_ms", "trace")
    return Received(**{name: getattr(event, name) for name in names} | fields)
