"""What some records of a partition were like; no Kafka, no clock."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.contracts.codec import FRAMING
from headrace.contracts.records import Count, Histogram, TrafficSketched
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

    def events(self, stretch: Stretch, records: Records, until_ms: int) -> list[TrafficSketched]:
        """Sketch events."""
        times_ms = _times(record.get(self._time) for record in records)
        sketches = []
        for piece in cut(times_ms, stretch.came_ms, until_ms):
            counts = self._of_events(records[piece.rows], stretch.values[piece.rows])
            counts += _untimed(times_ms[piece.rows], until_ms, counts["unreadable"])
            sketches.append(self._sketch(stretch, piece, counts))
        return sketches

    def letters(self, stretch: Stretch, records: Records, until_ms: int) -> list[TrafficSketched]:
        """Sketch dead letters, by when the records came that they are of."""
        times_ms = _times(record.get("source_timestamp_ms") for record in records)
        reasons = [f"reason/{each['reason']}" if each else "unreadable" for each in records]
        return [
            self._sketch(stretch, piece, Counter(reasons[piece.rows]))
            for piece in cut(times_ms, stretch.came_ms, until_ms)
        ]

    def decisions(self, stretch: Stretch, records: Records, until_ms: int) -> list[TrafficSketched]:
        """Sketch decisions."""
        times_ms = _times(record.get("occurred_at_ms") for record in records)
        by_whom = [_model(each) if each else None for each in records]
        models = list(filter(None, dict.fromkeys(by_whom)))
        numbers = {model: number for number, model in enumerate(models)}
        kinds = [UNKNOWN if each is None else numbers[each] for each in by_whom]
        pieces = cut(times_ms, stretch.came_ms, until_ms, np.array(kinds, np.int64))
        told = self._histograms(self._vectors(records), _scores(records), pieces)
        sketches = []
        for piece, found in zip(pieces, told, strict=True):
            own = records[piece.rows]
            counts = self._of_decisions(own)
            counts += _untimed(times_ms[piece.rows], until_ms, counts["unreadable"])
            last = next(filter(None, reversed(own)), {"decision_id": ""})
            kind = max(kinds[piece.rows])
            model = NO_MODEL if kind == UNKNOWN else models[kind]
            sketches.append(self._sketch(stretch, piece, counts, model, found, last["decision_id"]))
        return sketches

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
        pieces = cut(times_ms, stretch.came_ms, until_ms)
        return [
            self._sketch(stretch, piece, _untimed(times_ms[piece.rows], until_ms), model, found)
            for piece, found in zip(pieces, self._histograms(matrix, scores, pieces), strict=True)
        ]

    def _of_events(self, records: Records, values: Sequence[bytes]) -> Counter[str]:
        readable = [each for each in records if each]
        counts = Counter({"unreadable": len(records) - len(readable)})
        for field in self._nullable:
            counts[f"null/{field}"] = sum([each[field] is None for each in readable])
        framings = [
            value[: FRAMING.size] for value, each in zip(values, records, strict=True) if each
        ]
        for framing, amount in Counter(framings).items():
            _, schema_id = FRAMING.unpack(framing)
            counts[f"schema/{schema_id}"] = amount
        return counts

    def _of_decisions(self, records: Records) -> Counter[str]:
        readable = [each for each in records if each]
        counts = Counter(
            {
                "unreadable": len(records) - len(readable),
                "deadline_missed": sum([each["deadline_missed"] for each in readable]),
                "late": sum([each["late"] for each in readable]),
                "features/other": sum([not self._knows(each) for each in readable]),
            }
        )
        actions = Counter([each["action"] for each in readable])
        reasons = Counter([each["fallback"] for each in readable if each["fallback"]])
        counts.update({f"action/{name}": amount for name, amount in actions.items()})
        counts.update({f"fallback/{name}": amount for name, amount in reasons.items()})
        return counts

    def _knows(self, decision: Mapping[str, Any]) -> bool:
        """Tell whether a decision's vector is of the charter's features."""
        is_ours: bool = decision["feature_set"] == self._feature_set
        return is_ours and len(decision["features"]) == len(self._names)

    def _vectors(self, records: Records) -> Vectors:
        """Return (n, k) vectors, NaN where they are of other features."""
        none = [np.nan] * len(self._names)
        rows = [each["features"] if each and self._knows(each) else none for each in records]
        return np.array(rows, np.float64)

    def _histograms(
        self, matrix: Vectors, scores: Vectors, pieces: Sequence[Piece]
    ) -> list[list[Histogram]]:
        rows = [piece.rows for piece in pieces]
        return histograms(self._names, matrix, self._by_segment(matrix, scores), self._scores, rows)

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
        counts: Counter[str],
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
            counts=[Count(name=each, records=counts[each]) for each in sorted(+counts)],
            example=example,
        )


def _times(values: Iterable[int | None]) -> Integers:
    return np.array([UNKNOWN if value is None else value for value in values], np.int64)


def _untimed(times_ms: Integers, until_ms: int, unreadable: int = 0) -> Counter[str]:
    """Count those whose time cannot be true, but for those that have none."""
    untimed = int(np.count_nonzero(~is_known(times_ms, until_ms)))
    return Counter({"untimed": untimed - unreadable})


def _model(decision: Mapping[str, Any]) -> Model:
    return Model(decision["model"], decision["model_version"])


def _scores(decisions: Records) -> Vectors:
    """Return (n,) scores, NaN where no model has scored."""
    scores = [each["score"] if each and not each["fallback"] else np.nan for each in decisions]
    return np.array(scores, np.float64)
