"""What a backtest has decided, row by row of the recording."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from headrace.backtesting.labels import Known
from headrace.backtesting.replay import SERVED, Batch, Event, Replay
from headrace.usecase.charter import Charter

NEVER_MS: Final = 2**62
_DAY_MS: Final = 86_400_000


class Kept(NamedTuple):
    """Vectors of some events."""

    rows: NDArray[np.intp]
    matrix: NDArray[np.float64]


class Record(NamedTuple):
    """What became of n recorded events."""

    event_ids: list[str]
    times_ms: NDArray[np.int64]
    keys: list[str]
    is_positive: NDArray[np.bool_]
    """What each was or, where nobody says that, what it is held to be at the end, (n,)."""
    is_known: NDArray[np.bool_]
    """Whether that is known, (n,)."""
    scores: Mapping[str, NDArray[np.float64]]
    """By model, (n,): NaN where the event was not decided, or the model was not there yet."""
    known_at_ms: NDArray[np.int64]
    """When it was known what each is held to be, (n,); ``NEVER_MS`` where it was not."""
    kept: Kept
    rejected: int
    versions: Mapping[str, str]
    """Of the models, at the end."""
    learned: bytes
    """Digest of all that they have learned."""

    @property
    def served(self) -> NDArray[np.float64]:
        """The scores by which it was decided."""
        return self.scores.get(SERVED, np.full(len(self.event_ids), np.nan))

    @property
    def is_decided(self) -> NDArray[np.bool_]:
        """Which events were decided, (n,)."""
        return ~np.isnan(self.served)

    @property
    def days(self) -> NDArray[np.int64]:
        """Days since the epoch, (n,)."""
        return self.times_ms // _DAY_MS


class Recorded(Protocol):
    """Events, and what is said of them."""

    @property
    def rows(self) -> int:
        """How many there are at most."""

    @property
    def known_until_ms(self) -> int:
        """Until when all has been said of them; asked for once all are decided."""

    def __iter__(self) -> Iterator[Event]:
        """Yield them in the order of their times."""


def run(
    charter: Charter,
    recorded: Recorded,
    keep: Callable[[str, bool, int], bool],
    told: Callable[[int], None],
) -> Record:
    """Decide all that was recorded.

    Parameters
    ----------
    keep
        Given an event's id, whether it may be positive and when it was: whether its vector is kept.
    told
        Is told how many events were decided, after each batch.

    Raises
    ------
    HeadraceError
        The charter is not one for a backtest, or an event cannot be read.
    """
    replay, rows = Replay(charter), _Rows(charter, recorded.rows)
    rejected = 0
    for events in replay.batches(recorded):
        batch = replay.decide(events)
        rows.take(events, batch, keep)
        rejected += batch.rejected
        told(len(events))
    rows.hold(replay.rest(recorded.known_until_ms))
    return rows.record(rejected, replay)


class _Rows:
    """What becomes of events, row by row, while they are decided.

    Parameters
    ----------
    most
        How many there are at most.
    """

    def __init__(self, charter: Charter, most: int) -> None:
        self._fields, self._features = charter.events, len(charter.features)
        self._most = most
        self._ids, self._keys = list[str](), list[str]()
        self._times_ms = np.zeros(most, np.int64)
        self._is_positive, self._is_known = np.zeros(most, np.bool_), np.zeros(most, np.bool_)
        self._is_said = np.zeros(most, np.bool_)
        """Whether the recording says what the event was."""
        self._known_at_ms = np.full(most, NEVER_MS)
        self._scores: dict[str, NDArray[np.float64]] = {}
        self._kept: list[tuple[int, NDArray[np.float64]]] = []

    def take(
        self, events: Sequence[Event], batch: Batch, keep: Callable[[str, bool, int], bool]
    ) -> None:
        """Take in a batch, and what was known by then of those before."""
        self.hold(batch.known)
        first = len(self._ids)
        for name, found in batch.scores.items():
            self._scores.setdefault(name, np.full(self._most, np.nan))[batch.rows] = found
        for row, event in enumerate(events, first):
            self._times_ms[row] = event.record[self._fields.time]
            self._ids.append(event.record[self._fields.id])
            self._keys.append(event.record[self._fields.key])
            if event.is_positive is not None:
                self._is_positive[row] = event.is_positive
                self._is_known[row] = self._is_said[row] = True
        for row, vector in zip(batch.rows, batch.matrix, strict=True):
            event = events[row - first]
            if keep(self._ids[row], event.may_be_positive, int(self._times_ms[row])):
                self._kept.append((row, vector))

    def hold(self, known: Iterable[Known[Any]]) -> None:
        """Take in what events are held to be from now on."""
        for each in known:
            if each.value is not None:
                self._known_at_ms[each.row] = each.at_ms
            if not self._is_said[each.row]:
                self._is_positive[each.row] = bool(each.value)
                self._is_known[each.row] = each.value is not None

    def record(self, rejected: int, replay: Replay) -> Record:
        """Return all of it."""
        n, kept = len(self._ids), self._kept
        return Record(
            self._ids,
            self._times_ms[:n],
            self._keys,
            self._is_positive[:n],
            self._is_known[:n],
            {name: scores[:n] for name, scores in self._scores.items()},
            self._known_at_ms[:n],
            Kept(
                np.array([row for row, _ in kept], np.intp),
                np.array([vector for _, vector in kept]).reshape(len(kept), self._features),
            ),
            rejected,
            replay.versions,
            replay.learned,
        )
