"""What some records of a partition were like; no Kafka, no clock."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, compress
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.contracts.codec import FRAMING
from headrace.contracts.records import Count, Histogram, TrafficSketched
from headrace.sketching.counting import Flags, counts, flags_of_each
from headrace.sketching.cutting import UNKNOWN, Integers, Piece, Stretch, cut, is_known
from headrace.sketching.histograms import histograms
from headrace.usecase.bins import NUMBERS, PROBABILITIES
from headrace.usecase.charter import Charter
from headrace.usecase.segments import Segments, segment_name

Records = Sequence[Mapping[str, Any]]
Vectors = NDArray[np.float64]


class Model(NamedTuple):
    """Who decided."""

    name: str
    version: str


NO_MODEL: Final = Model("", "")
_FEW: Final = 8
"""Where fewer decisions than that share an hour, those of several hours share a sketch: one costs
much, however few it is of. Events are sketched hour by hour, since they tell how many come in each.
"""
LETTER_FIELDS: Final = ("source_timestamp_ms", "reason")
"""What is read of a dead letter."""


class Decisions(NamedTuple):
    """Decisions by column: all that is read of them, under the fields' names."""

    decision_id: Sequence[str]
    occurred_at_ms: Sequence[int]
    feature_set: Sequence[bytes | None]
    features: Sequence[Sequence[float]]
    model: Sequence[str | None]
    model_version: Sequence[str | None]
    score: Sequence[float]
    action: Sequence[str | None]
    fallback: Sequence[str]
    deadline_missed: Sequence[bool]
    late: Sequence[bool]


_UNREAD: Final[Mapping[str, Any]] = {
    "decision_id": "",
    "occurred_at_ms": UNKNOWN,
    "feature_set": None,
    "features": (),
    "model": None,
    "model_version": None,
    "score": np.nan,
    "action": None,
    "fallback": "",
    "deadline_missed": False,
    "late": False,
}
"""Stands in the columns where a decision cannot be read."""
_ROW: Final = itemgetter(*Decisions._fields)


class Sketcher:
    """Sketches records of a use case.

    All methods take records of one partition in their order, ``{}`` for one that cannot be read,
    and the time after which no event can have happened by now. At least one record is there.

    Parameters
    ----------
    nullable
        The fields of an event that may be null.
    """

    def __init__(self, charter: Charter, nullable: Sequence[str]) -> None:
        self._use_case = charter.name
        self._time = charter.events.time
        self._nullable = nullable
        self._names = charter.feature_set.names
        self._feature_set = charter.feature_set.digest
        self._segments = Segments(charter).places
        self._scores = PROBABILITIES if charter.model.family == "logistic" else NUMBERS

    @property
    def event_fields(self) -> Sequence[str]:
        """What is read of an event."""
        return self._time, *self._nullable

    def events(self, stretch: Stretch, records: Records, until_ms: int) -> list[TrafficSketched]:
        """Sketch events."""
        times_ms = _times(record.get(self._time) for record in records)
        pieces = cut(times_ms, stretch.came_ms, until_ms)
        flags = self._flags_of_events(stretch, records) | _ailing(records, times_ms, until_ms)
        return [
            self._sketch(stretch, piece, counted)
            for piece, counted in zip(pieces, counts(flags, _rows(pieces)), strict=True)
        ]

    def letters(self, stretch: Stretch, records: Records, until_ms: int) -> list[TrafficSketched]:
        """Sketch dead letters, by when the records came that they are of."""
        times_ms = _times(record.get("source_timestamp_ms") for record in records)
        pieces = cut(times_ms, stretch.came_ms, until_ms)
        reasons = flags_of_each([record.get("reason") for record in records])
        flags = {f"reason/{reason}": has for reason, has in reasons.items()}
        flags["unreadable"] = _unreadable(records)
        return [
            self._sketch(stretch, piece, counted)
            for piece, counted in zip(pieces, counts(flags, _rows(pieces)), strict=True)
        ]

    def decisions(self, stretch: Stretch, records: Records, until_ms: int) -> list[TrafficSketched]:
        """Sketch decisions."""
        columns = Decisions(*zip(*[_ROW(each or _UNREAD) for each in records], strict=True))
        times_ms = _times(columns.occurred_at_ms)
        models, kinds = _models(columns)
        pieces = cut(times_ms, stretch.came_ms, until_ms, kinds, _FEW)
        is_ours = self._is_ours(columns)
        flags = _flags_of_decisions(columns) | _ailing(records, times_ms, until_ms)
        flags["features/other"] = ~(is_ours | flags["unreadable"])
        told = zip(
            pieces,
            counts(flags, _rows(pieces)),
            [models[max(kinds[piece.rows])] for piece in pieces],
            self._histograms(self._vectors(columns, is_ours), _scores(columns), pieces),
            [_last(columns.decision_id[piece.rows]) for piece in pieces],
            strict=True,
        )
        return [self._sketch(stretch, *each) for each in told]

    def vectors(
        self,
        stretch: Stretch,
        matrix: Vectors,
        scores: Vectors,
        times_ms: Integers,
        until_ms: int,
        model: Model = NO_MODEL,
    ) -> list[TrafficSketched]:
        """Sketch n decisions of one model, of which only the numbers are there.

        Parameters
        ----------
        matrix
            (n, k), in the order of the charter's features.
        scores, times_ms
            (n,); NaN for the score of what the rules decided.
        """
        pieces = cut(times_ms, stretch.came_ms, until_ms, few=_FEW)
        told = self._histograms(matrix, scores, pieces)
        counted = counts({"untimed": ~is_known(times_ms, until_ms)}, _rows(pieces))
        return [
            self._sketch(stretch, *each[:2], model, each[2])
            for each in zip(pieces, counted, told, strict=True)
        ]

    def _flags_of_events(self, stretch: Stretch, records: Records) -> dict[str, Flags]:
        framings = [
            value[: FRAMING.size] if each else None
            for value, each in zip(stretch.values, records, strict=True)
        ]
        of_schemas = {
            f"schema/{FRAMING.unpack(framing)[1]}": has
            for framing, has in flags_of_each(framings).items()
        }
        return of_schemas | {
            f"null/{field}": np.array([each.get(field, "") is None for each in records])
            for field in self._nullable
        }

    def _is_ours(self, decisions: Decisions) -> Flags:
        """Tell which decisions' vectors are of the charter's features."""
        ours, width = self._feature_set, len(self._names)
        pairs = zip(decisions.feature_set, decisions.features, strict=True)
        return np.array([digest == ours and len(vector) == width for digest, vector in pairs])

    def _vectors(self, decisions: Decisions, is_ours: Flags) -> Vectors:
        """Return (n, k) vectors, NaN where they are of other features."""
        vectors = np.full((len(is_ours), len(self._names)), np.nan)
        values = chain.from_iterable(compress(decisions.features, is_ours))
        vectors[is_ours] = np.fromiter(values, np.float64).reshape(-1, len(self._names))
        return vectors

    def _histograms(
        self, matrix: Vectors, scores: Vectors, pieces: Sequence[Piece]
    ) -> list[list[Histogram]]:
        by_segment = self._by_segment(matrix, scores)
        return histograms(self._names, matrix, by_segment, self._scores, _rows(pieces))

    def _by_segment(self, matrix: Vectors, scores: Vectors) -> dict[str, Vectors]:
        """Return (n,) scores of all, and of each segment: NaN where a decision is of another."""
        found = {"score": scores}
        for feature, place in self._segments.items():
            values = matrix[:, place]
            for value in np.unique(values[np.isfinite(values)]).tolist():
                name = f"score/{segment_name(feature, value)}"
                own = found.setdefault(name, np.full(len(scores), np.nan))
                np.copyto(own, scores, where=values == value)
        return found

    def _sketch(
        self,
        stretch: Stretch,
        piece: Piece,
        counted: list[Count],
        model: Model = NO_MODEL,
        found: Sequence[Histogram] = (),
        example: str = "",
    ) -> TrafficSketched:
        offsets = stretch.offsets[piece.rows]
        return TrafficSketched(
            use_case=self._use_case,
            source_topic=stretch.topic,
            source_partition=stretch.partition,
            first_offset=offsets[0],
            last_offset=offsets[-1],
            records=len(offsets),
            hour_of_week=piece.hour,
            start_ms=piece.start_ms,
            end_ms=piece.end_ms,
            model=model.name,
            model_version=model.version,
            histograms=list(found),
            counts=counted,
            example=example,
        )


def _times(values: Iterable[int | None]) -> Integers:
    return np.array([UNKNOWN if value is None else value for value in values], np.int64)


def _rows(pieces: Sequence[Piece]) -> list[slice]:
    return [piece.rows for piece in pieces]


def _unreadable(records: Records) -> Flags:
    return np.array([not each for each in records])


def _ailing(records: Records, times_ms: Integers, until_ms: int) -> dict[str, Flags]:
    """Tell which records cannot be read, and the time of which others cannot be true."""
    unreadable = _unreadable(records)
    untimed = ~(is_known(times_ms, until_ms) | unreadable)
    return {"unreadable": unreadable, "untimed": untimed}


def _flags_of_decisions(decisions: Decisions) -> dict[str, Flags]:
    actions = flags_of_each(decisions.action)
    reasons = flags_of_each([each or None for each in decisions.fallback])
    return {
        "deadline_missed": np.array(decisions.deadline_missed),
        "late": np.array(decisions.late),
        **{f"action/{action}": has for action, has in actions.items()},
        **{f"fallback/{reason}": has for reason, has in reasons.items()},
    }


def _models(decisions: Decisions) -> tuple[list[Model], list[int]]:
    """Return who decided, and of each decision which one of them.

    Nobody stands last among them, where ``UNKNOWN`` leads, which is of what cannot be read.
    """
    by_whom: list[tuple[Any, ...]] = [*zip(decisions.model, decisions.model_version, strict=True)]
    models = [Model(*each) for each in dict.fromkeys(by_whom) if None not in each]
    numbers: dict[tuple[Any, ...], int] = {each: number for number, each in enumerate(models)}
    return [*models, NO_MODEL], [numbers.get(each, UNKNOWN) for each in by_whom]


def _last(ids: Sequence[str]) -> str:
    """Return the last id of a decision that could be read, if any."""
    return next(filter(None, reversed(ids)), "")


def _scores(decisions: Decisions) -> Vectors:
    """Return (n,) scores, NaN where no model has scored."""
    pairs = zip(decisions.score, decisions.fallback, strict=True)
    return np.array([np.nan if fallback else score for score, fallback in pairs], np.float64)
