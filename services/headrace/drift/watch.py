"""All that is watched of a use case together; no Kafka, no clock.

Each monitor may raise a false alarm once in so many events. The rates add up, so each gets a share
of the one rate that the charter allows; what it takes to convince a monitor follows from its share
and from how many values an event makes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from headrace.contracts.records import SignalKind
from headrace.drift.blocks import RECORDS, BlockMonitor, Tally
from headrace.drift.monitor import Change, Monitor
from headrace.drift.outcomes import (
    BASE_RATE,
    CALIBRATION,
    DELAY,
    NEGATIVES,
    POSITIVES,
    OutcomeStreams,
)
from headrace.drift.values import RateMonitor, ValueMonitor
from headrace.drift.volume import Volume
from headrace.usecase.charter import Charter

INPUT: Final = "input/"
SCORE: Final = "score/served"
VOLUME: Final = "quality/volume"
DEAD_LETTERS: Final = "quality/dead_letters"
SCHEMA: Final = "quality/schema"
NULL: Final = "quality/null/"
SERVING: Final = "serving/"
FLAGS: Final = ("fallback", "deadline_missed", "late")
"""What is counted of decisions, and watched as shares."""
SHARES: Final[Mapping[str, float]] = {
    "input": 0.25,
    "score": 0.05,
    "concept": 0.25,
    "calibration": 0.1,
    BASE_RATE: 0.1,
    "label": 0.05,
    "quality": 0.1,
    "serving": 0.1,
}
"""Of the false alarms that are allowed, by subject or kind; evenly among the others of a kind."""
_LEAST_INDEX: Final = 0.05
"""Of a population stability index; 0.1 is commonly called a small change, 0.25 a large one."""
_LEAST_RATIO: Final = 0.2
"""Of a difference of logarithms: about a fifth more or less."""
_LEAST_VALUES: Final = 20
_LARGEST: Final = 1e300
"""Sum of a sketch's values: sums of these are finite, as numbers in JSON are."""
_FEATURES: Final = 5
_OF_OUTCOMES: Final = ("concept/", "calibration/", "label/")


class Kept(Protocol):
    """Something whose state is kept."""

    def slots(self) -> dict[int, dict[str, Any]]:
        """Return what has changed since this was last asked, by slot, as JSON."""

    def restore(self, slots: Mapping[int, Mapping[str, Any]]) -> None:
        """Become what another was, given all its slots."""


class Shift(NamedTuple):
    """How the distribution of a feature has shifted."""

    feature: str
    change: Change


class Noticed(NamedTuple):
    """Something has drifted, or has come to an end."""

    subject: str
    kind: SignalKind
    change: Change
    once_in: float
    """So much evidence comes by chance once in so many events, all monitors together."""
    shifts: Sequence[Shift]
    """Of features, those that last."""
    model: str
    """Where it concerns one; else empty."""
    model_version: str
    """Empty where it concerns all of them."""


class Watch:
    """The monitors of a use case.

    Parameters
    ----------
    charter
        Its features, sources of labels and ``[drift]``.
    nullable
        Fields of its events that may be null.
    """

    def __init__(self, charter: Charter, nullable: Sequence[str]) -> None:
        self._use_case = charter.name
        self._once_in = float(charter.drift.once_in)
        self._names = charter.feature_set.names
        settled_ms = charter.labels.horizon_ms + charter.events.lateness_ms
        self._warm_up_ms = max(charter.feature_set.windows_ms, default=0)
        self._monitors = self._new_monitors(charter, nullable)
        sharing = [subject if subject in SHARES else kind_of(subject) for subject in self._monitors]
        self.shares: Mapping[str, float] = {
            subject: SHARES[among] / sharing.count(among)
            for subject, among in zip(self._monitors, sharing, strict=True)
        }
        """Of the false alarms that are allowed, by what is watched."""
        scorecard = charter.model
        unscaled = "" if scorecard.family == "logistic" else scorecard.name
        self._outcomes = OutcomeStreams(settled_ms, unscaled)
        self._volume = Volume()
        self._serving = _Serving()
        self.kept: Mapping[str, Kept] = {
            **self._monitors,
            "outcomes": self._outcomes,
            "volume": self._volume,
            "serving": self._serving,
        }
        """All whose state is kept, by name."""
        self.touched: set[str] = set()
        """Which of them may have changed since somebody emptied it."""

    def _new_monitors(self, charter: Charter, nullable: Sequence[str]) -> dict[str, Monitor]:
        warm = self._warm_up_ms
        blocks = {INPUT + name: warm for name in self._names} | {SCORE: warm}
        blocks |= dict.fromkeys([DEAD_LETTERS, SCHEMA], 0)
        blocks |= {NULL + name: 0 for name in nullable} | {SERVING + name: 0 for name in FLAGS}
        monitors: dict[str, Monitor] = {
            subject: BlockMonitor(subject, least_magnitude=_LEAST_INDEX, warm_up_ms=warm_up_ms)
            for subject, warm_up_ms in blocks.items()
        }
        delays = [DELAY + name for name in (*charter.labels.sources,)]
        for subject in (POSITIVES, NEGATIVES, CALIBRATION, BASE_RATE, VOLUME, *delays):
            watches = RateMonitor if subject in (CALIBRATION, BASE_RATE) else ValueMonitor
            monitors[subject] = watches(
                subject,
                two_sided=subject not in (POSITIVES, NEGATIVES),
                least=_LEAST_VALUES,
                least_magnitude=_LEAST_RATIO,
            )
        return monitors

    def sketch(self, record: Mapping[str, Any]) -> Iterator[Noticed]:
        """Take in a ``TrafficSketched``; yield what it makes known."""
        _, _, topic = record["source_topic"].partition(f"{self._use_case}.")
        if topic == "decisions":
            yield from self._decisions(record)
        elif topic == "events":
            yield from self._events(record)
        elif topic == "events.dlq":
            count = record["records"]
            yield from self._tallied(DEAD_LETTERS, record, [1], [count], count)

    def outcome(self, record: Mapping[str, Any]) -> Iterator[Noticed]:
        """Take in an ``OutcomeKnown``; yield what it makes known."""
        self.touched.add("outcomes")
        if self._outcomes.is_another_model(record):
            for subject, monitor in self._monitors.items():
                if subject.startswith(_OF_OUTCOMES):
                    self.touched.add(subject)
                    if over := monitor.start_anew():
                        yield self._noticed(subject, over)
        for subject, value in self._outcomes.values(record):
            if subject not in self._monitors:  # by the word of a source that is not declared
                continue
            monitor = self._monitors[subject]
            self.touched.add(subject)
            an_outcome = (monitor.taken + 1) / self._outcomes.seen
            if change := monitor.take(value, self._allowed(subject) * an_outcome):
                yield self._noticed(subject, change)

    def _decisions(self, record: Mapping[str, Any]) -> Iterator[Noticed]:
        self.touched.add("serving")
        serving = self._serving
        another = (record["model"], record["model_version"])
        # Without a name nobody could read who has decided, or nobody has: that is no other model.
        if record["model"] and another != (serving.model, serving.model_version):
            serving.model, serving.model_version = another
            self.touched.add(SCORE)
            if over := self._monitors[SCORE].start_anew():
                yield self._noticed(SCORE, over)
        for each in record["histograms"]:
            subject = SCORE if each["name"] == "score" else INPUT + each["name"]
            if subject in self._monitors:
                total = min(_LARGEST, max(-_LARGEST, each["sum"]))
                yield from self._tallied(subject, record, each["bins"], each["counts"], total)
        have = _with(record)
        for name in FLAGS:
            some = sum(count for each, count in have.items() if each.partition("/")[0] == name)
            yield from self._share_of(SERVING + name, record, some)

    def _events(self, record: Mapping[str, Any]) -> Iterator[Noticed]:
        have = _with(record)
        for subject in self._monitors:
            if subject.startswith(NULL):
                some = have.get(subject.removeprefix("quality/"), 0)
                yield from self._share_of(subject, record, some)
        schemas = {
            int(each.removeprefix("schema/")): count
            for each, count in have.items()
            if each.startswith("schema/")
        }
        ids = sorted(schemas)
        yield from self._tallied(SCHEMA, record, ids, [schemas[each] for each in ids])
        yield from self._tallied(DEAD_LETTERS, record, [0], [record["records"]])
        if record["hour_of_week"] < 0:
            return
        self.touched |= {"volume", VOLUME}
        for value in self._volume.take(record["end_ms"], record["records"]):
            allowed = self._allowed(VOLUME) * self._volume.hours_an_event
            if change := self._monitors[VOLUME].take(value, allowed):
                yield self._noticed(VOLUME, change)

    def _share_of(self, subject: str, record: Mapping[str, Any], some: int) -> Iterator[Noticed]:
        """Watch the share of records that have something."""
        yield from self._tallied(subject, record, [0, 1], [record["records"] - some, some], some)

    def _tallied(
        self,
        subject: str,
        record: Mapping[str, Any],
        bins: Sequence[int],
        counts: Sequence[int],
        total: float = 0.0,
    ) -> Iterator[Noticed]:
        monitor = self._monitors[subject]
        assert isinstance(monitor, BlockMonitor)  # noqa: S101 -- only those are tallied
        self.touched.add(subject)
        tally = Tally(
            record["hour_of_week"],
            record["end_ms"],
            bins,
            counts,
            total,
            record["example"],
        )
        if change := monitor.tally(tally, self._allowed(subject) / RECORDS):
            yield self._noticed(subject, change)

    def _allowed(self, subject: str) -> float:
        """Return in how many events a monitor may raise one false alarm."""
        return self._once_in / self.shares[subject]

    def _noticed(self, subject: str, change: Change) -> Noticed:
        shifts = [
            Shift(name, raised)
            for name in self._names
            if (raised := self._monitors[INPUT + name].raised)
        ]
        shifts.sort(key=lambda each: -each.change.sized.magnitude)
        kind, model, version = kind_of(subject), "", ""
        if kind in ("score", "serving"):
            model, version = self._serving.model, self._serving.model_version
        elif kind in ("concept", "calibration"):
            model = self._outcomes.model
        once_in = change.rarity * self._once_in
        return Noticed(subject, kind, change, once_in, shifts[:_FEATURES], model, version)


class _Serving:
    """Who decides."""

    def __init__(self) -> None:
        self.model = self.model_version = ""

    def slots(self) -> dict[int, dict[str, Any]]:
        return {0: dict(vars(self))}

    def restore(self, slots: Mapping[int, Mapping[str, Any]]) -> None:
        vars(self).update(slots[0])


def kind_of(subject: str) -> SignalKind:
    """Return of which kind a drift of a subject is."""
    kind: Any = subject.partition("/")[0]
    return kind  # type: ignore[no-any-return]  # subjects begin with their kind


def _with(record: Mapping[str, Any]) -> dict[str, int]:
    return {each["name"]: each["records"] for each in record["counts"]}
