"""What a backtest has decided, row by row of the recording."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.backtesting.recording import Recording
from headrace.backtesting.replay import SERVED, Replay
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
    scores: Mapping[str, NDArray[np.float64]]
    """By model, (n,): NaN where the event was not decided, or the model was not there yet."""
    known_at_ms: NDArray[np.int64]
    """When it was known what each was, (n,); ``NEVER_MS`` where it was not."""
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


def run(
    charter: Charter,
    recording: Recording,
    keep: Callable[[str, bool, int], bool],
    told: Callable[[int], None],
) -> Record:
    """Decide a whole recording.

    Parameters
    ----------
    keep
        Given an event's id, what it was and when, whether its vector is kept.
    told
        Is told how many events were decided, after each batch.

    Raises
    ------
    HeadraceError
        The charter is not one for a backtest, or a row cannot be read.
    """
    replay, fields, rows = Replay(charter), charter.events, recording.rows
    scores: dict[str, NDArray[np.float64]] = {}
    times_ms, known_at_ms = np.zeros(rows, np.int64), np.full(rows, NEVER_MS)
    ids, keys, rejected = list[str](), list[str](), 0
    kept: list[tuple[int, NDArray[np.float64]]] = []
    for events in replay.batches(recording):
        batch, first = replay.decide(events), len(ids)
        for name, found in batch.scores.items():
            scores.setdefault(name, np.full(rows, np.nan))[batch.rows] = found
        for event in events:
            times_ms[len(ids)] = event.record[fields.time]
            ids.append(event.record[fields.id])
            keys.append(event.record[fields.key])
        for row, vector in zip(batch.rows, batch.matrix, strict=True):
            if keep(ids[row], events[row - first].is_positive, int(times_ms[row])):
                kept.append((row, vector))
        for known in batch.known:
            if known.value is not None:
                known_at_ms[known.row] = known.at_ms
        rejected += batch.rejected
        told(len(events))
    return Record(
        ids,
        times_ms,
        keys,
        recording.is_positive,
        scores,
        known_at_ms,
        Kept(
            np.array([row for row, _ in kept], np.intp),
            np.array([vector for _, vector in kept]).reshape(len(kept), len(charter.features)),
        ),
        rejected,
        replay.versions,
        replay.learned,
    )
