"""The fold: outcomes in, evaluations by two clocks out.

An event happens at one time and becomes known at another. Windows are of the first, UTC days as a
rule; the watermark is of the second, the latest time at which anything became known. A window is
final once the watermark is past all that can still become known of it.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from headrace.evaluating.counts import Counts, counted, nothing, priced
from headrace.evaluating.levels import NO_SCORE, level_of
from headrace.evaluating.measures import Measures, measure
from headrace.evaluating.money import Costs
from headrace.evaluating.rows import CENSORED, Row, Rows, Table, digest_of

SERVED: Final = "served"
"""Who decided, whichever model or version that was; the money is its own."""
ALL: Final = "all"
"""Every source of labels together."""
DAY_MS: Final = 86_400_000
WINDOW_DAYS: Final = 7
"""Learning evaluates by the weeks in which events happened."""


class KnownOutcome(NamedTuple):
    """What a decided event is held to be from now on."""

    event_id: str
    occurred_at_ms: int
    known_at_ms: int
    value: bool | None
    """None where it is censored."""
    source: str
    """Who says so."""
    scores: Mapping[str, float]
    """By model, those that have scored it; of an event's first outcome they count for good."""
    costs: Costs | None
    """None where it is censored, has no price, or is in another currency than the others."""


class Evaluation(NamedTuple):
    """How good a model's scores were in a window, as far as is known by a moment."""

    model: str
    label_source: str
    """``ALL``, or the one by whose word the outcomes are known."""
    window_start_ms: int
    window_end_ms: int
    final: bool
    outcomes: int
    """How many outcomes of the log were taken until then."""
    known_at_ms: int
    """The watermark."""
    counts: Counts
    measures: Measures


class Evaluator:
    """Evaluates several models side by side over the same log of outcomes.

    A later outcome of an event takes the place of the earlier one, with the scores of the first:
    a model that has learned from an event must not be asked again. No one else has those scores
    any more, so they are remembered here, in 35 bytes an event and 2 for each model, until the
    event's window is final: then all of the window is forgotten. Counts are made of what is
    remembered whenever they are asked for, so nothing has to be taken out of them again.

    What becomes known of an event whose window is final, or would be by the time that it says, does
    not count, and does not move the watermark: a clock that is wrong makes no window final.

    Parameters
    ----------
    models
        Who scores, ``SERVED`` among them where decisions are to be evaluated.
    sources
        Everybody by whose word an outcome may be known, up to 256.
    wait_ms
        How long after a window's end something of it may become known: the longest horizon of the
        charter's labels and their sources, and the lateness of its events.
    capacity
        How many events of a window people can look at; None where that is not limited.
    window_ms
        The windows' length.
    """

    def __init__(
        self,
        models: Sequence[str],
        sources: Sequence[str],
        wait_ms: int,
        capacity: int | None,
        window_ms: int = DAY_MS,
    ) -> None:
        self._models = tuple(models)
        self._sources = {name: place for place, name in enumerate(sources)}
        self._wait_ms = wait_ms
        self._capacity = capacity
        self._window_ms = window_ms
        self._windows: dict[int, Rows] = {}
        """By start, those that are not final."""
        self.watermark_ms = 0
        """The latest time at which an outcome that counts became known."""
        self.taken = 0
        """Outcomes so far, those included that did not count."""
        self.too_late = 0
        """Outcomes that did not count."""

    def take(self, outcome: KnownOutcome) -> list[Evaluation]:
        """Take in an outcome; return the evaluations of the windows that are final by it.

        Raises
        ------
        ValueError
            A score is no probability, or there is no such model or source; nothing has changed.
        """
        source, levels = self._source(outcome.source), self._levels(outcome.scores)
        self.taken += 1
        start = outcome.occurred_at_ms // self._window_ms * self._window_ms
        if max(self.watermark_ms, outcome.known_at_ms) >= self._final_at(start):
            self.too_late += 1
            return []
        if start not in self._windows:
            self._windows[start] = Rows(len(self._models))
        event, rows = digest_of(outcome.event_id), self._windows[start]
        value = CENSORED if outcome.value is None else int(outcome.value)
        costs, is_priced = outcome.costs or Costs(0, 0), outcome.costs is not None
        rows.put(Row(event, source, value, is_priced, *costs, rows.levels(event) or levels))
        if outcome.known_at_ms <= self.watermark_ms:
            return []
        self.watermark_ms = outcome.known_at_ms
        return [each for start in self._due() for each in self._final(start)]

    def known(self) -> Iterator[Evaluation]:
        """Yield every evaluation that is not final, as far as is known now, window by window."""
        for start in sorted(self._windows):
            yield from self._evaluations(start, self._windows[start].table(), final=False)

    def digest(self) -> bytes:
        """Return the digest of all that is remembered: two with the same one go on alike."""
        declared = (self._models, list(self._sources), self._wait_ms, self._capacity)
        counters = (self._window_ms, self.watermark_ms, self.taken, self.too_late)
        hasher = sha256(repr((declared, counters)).encode())
        for start in sorted(self._windows):
            table = self._windows[start].table()
            hasher.update(struct.pack("<qq", start, len(table)))
            hasher.update(table.tobytes())
        return hasher.digest()

    def _source(self, name: str) -> int:
        if name not in self._sources:
            raise ValueError(f"there is no source {name}")
        return self._sources[name]

    def _levels(self, scores: Mapping[str, float]) -> tuple[int, ...]:
        if unknown := scores.keys() - set(self._models):
            raise ValueError(f"there is no model {min(unknown)}")
        return tuple(
            level_of(scores[model]) if model in scores else NO_SCORE for model in self._models
        )

    def _final_at(self, start: int) -> int:
        return start + self._window_ms + self._wait_ms

    def _due(self) -> list[int]:
        return sorted(each for each in self._windows if self._final_at(each) <= self.watermark_ms)

    def _final(self, start: int) -> Iterator[Evaluation]:
        yield from self._evaluations(start, self._windows.pop(start).table(), final=True)

    def _evaluations(self, start: int, table: Table, *, final: bool) -> Iterator[Evaluation]:
        """Yield a window's: of each model, all sources first, then those that have spoken."""
        spoken = {
            name: table[table["source"] == place]
            for name, place in self._sources.items()
            if (table["source"] == place).any()
        }
        for number, model in enumerate(self._models):
            by_source = {
                name: counted(rows, number) + (priced(rows) if model == SERVED else nothing())
                for name, rows in spoken.items()
            }
            for source, counts in {ALL: sum(by_source.values(), nothing()), **by_source}.items():
                if counts:
                    yield Evaluation(
                        model,
                        source,
                        start,
                        start + self._window_ms,
                        final,
                        self.taken,
                        self.watermark_ms,
                        counts,
                        measure(counts, self._capacity),
                    )
