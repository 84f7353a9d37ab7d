"""All that is watched of a use case together; no Kafka, no clock.

Each monitor may raise a false alarm once in so many events. The rates add up, so each gets a share
of the one rate that the charter allows; what it takes to convince a monitor follows from its share
and from how many values an event makes.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from headrace.contracts.records import SignalKind
from headrace.drift.blocks import RECORDS, BlockMonitor, Tally
from headrace.drift.monitor import NOW, Change, raised_of
from headrace.drift.monitors import (
    DEAD_LETTERS,
    FLAGS,
    INPUT,
    NULL,
    SCHEMA,
    SCORE,
    SEGMENTED,
    SERVING,
    VOLUME,
    new_monitors,
    new_segment_monitor,
)
from headrace.drift.outcomes import OutcomeStreams
from headrace.drift.segments import Followed, divided, within
from headrace.drift.shares import Shares, kind_of
from headrace.drift.volume import Volume
from headrace.usecase.charter import Charter
from headrace.usecase.segments import Segments

OUTCOMES: Final = "outcomes"
"""The name under which it is kept what outcomes have been seen."""
_LARGEST: Final = 1e300
"""Sum of a sketch's values: sums of these are finite, as numbers in JSON are."""
_FEATURES: Final = 5
_OF_OUTCOMES: Final = ("concept", "calibration", "label")


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
        self._charter = charter
        self._once_in = float(charter.drift.once_in)
        self._names = charter.feature_set.names
        self._segments = Segments(charter)
        self._followed = Followed()
        """Segments, of which scores are watched."""
        self._monitors = new_monitors(charter, nullable)
        self._shares = Shares(SEGMENTED if self._segments.places else ())
        for subject in self._monitors:
            self._shares.add(subject)
        settled_ms = charter.labels.horizon_ms + charter.events.lateness_ms
        scorecard = charter.model
        unscaled = "" if scorecard.family == "logistic" else scorecard.name
        self._outcomes = OutcomeStreams(settled_ms, unscaled, self._segments)
        self._volume = Volume()
        self._serving = _Serving()
        self._unwatched: dict[str, Unwatched] = {}
        """What had drifted, and is watched no more: nobody was told yet that it is over."""
        self.kept: dict[str, Kept] = {
            **self._monitors,
            OUTCOMES: self._outcomes,
            "volume": self._volume,
            "serving": self._serving,
        }
        """All whose state is kept, by name."""
        self.touched: set[str] = set()
        """Which of them may have changed since somebody emptied it."""

    @property
    def shares(self) -> Mapping[str, float]:
        """Of the false alarms that are allowed, by what is watched."""
        return {subject: self._shares.of(subject) for subject in self._monitors}

    def restore(self, name: str, slots: Mapping[int, Mapping[str, Any]]) -> None:
        """Have again what was kept under a name, given all its slots: first of all, of outcomes.

        What is not watched any more, because the charter has changed, is passed over; so is what
        was kept of a segment that was not named in between: how much of it was seen is not known.
        Where it had drifted, that is over.
        """
        whole, segment = divided(name)
        is_of_segment = whole in SEGMENTED and self._segments.has(segment)
        if is_of_segment and (whole == SCORE or self._outcomes.has_seen(segment)):
            self._begin(name)
            if whole == SCORE:
                self._followed.pooled(segment)
        if name in self.kept:
            self.kept[name].restore(slots)
        elif raised_of(slots) is not None:
            self.kept[name] = self._unwatched[name] = Unwatched(slots)

    def _begin(self, subject: str) -> None:
        """Watch something of a segment from now on."""
        monitor = new_segment_monitor(self._charter, subject)
        self._monitors[subject] = self.kept[subject] = monitor
        self._shares.add(subject)

    def sketch(self, record: Mapping[str, Any]) -> Iterator[Noticed]:
        """Take in a ``TrafficSketched``; yield what it makes known."""
        yield from self._end_unwatched()
        _, _, topic = record["source_topic"].partition(f"{self._charter.name}.")
        if topic == "decisions":
            yield from self._decisions(record)
        elif topic == "events":
            yield from self._events(record)
        elif topic == "events.dlq":
            count = record["records"]
            yield from self._tallied(DEAD_LETTERS, record, [1], [count], count)

    def outcome(self, record: Mapping[str, Any]) -> Iterator[Noticed]:
        """Take in an ``OutcomeKnown``; yield what it makes known."""
        yield from self._end_unwatched()
        self.touched.add(OUTCOMES)
        if self._outcomes.is_another_model(record):
            yield from self._start_anew(_OF_OUTCOMES)
        for subject, value in self._outcomes.values(record):
            whole, segment = divided(subject)
            if whole not in SEGMENTED:  # a source is named so
                segment = ""
            if segment and subject not in self._monitors:
                self._begin(subject)
            if subject not in self._monitors:  # by the word of a source that is not declared
                continue
            monitor = self._monitors[subject]
            self.touched.add(subject)
            an_outcome = (monitor.taken + 1) / self._outcomes.seen_since(segment)
            if change := monitor.take(value, self._allowed(subject) * an_outcome):
                yield self._noticed(subject, change)

    def _end_unwatched(self) -> Iterator[Noticed]:
        """Tell that what had drifted is watched no more; it would last for ever else."""
        while self._unwatched:
            subject = min(self._unwatched)
            over = self._unwatched.pop(subject).end()
            self.touched.add(subject)
            yield self._noticed(subject, over)

    def _decisions(self, record: Mapping[str, Any]) -> Iterator[Noticed]:
        self.touched.add("serving")
        serving = self._serving
        another = (record["model"], record["model_version"])
        # Without a name nobody could read who has decided, or nobody has; without a version the
        # rules have, in the place of the model that serves: that is no other model.
        if all(another) and another != (serving.model, serving.model_version):
            serving.model, serving.model_version = another
            yield from self._start_anew(["score"])
        for each in record["histograms"]:
            subject = self._subject_of(each["name"])
            if subject in self._monitors:
                total = min(_LARGEST, max(-_LARGEST, each["sum"]))
                yield from self._tallied(subject, record, each["bins"], each["counts"], total)
        have = _with(record)
        for name in FLAGS:
            some = sum(count for each, count in have.items() if each.partition("/")[0] == name)
            yield from self._share_of(SERVING + name, record, some)

    def _subject_of(self, histogram: str) -> str:
        """Return what a histogram of decisions is watched as, of a segment from now on."""
        measure, segment = divided(histogram)
        if measure != "score":
            return INPUT + histogram
        if not segment:
            return SCORE
        if not self._segments.has(segment):
            return ""
        subject = within(SCORE, self._followed.pooled(segment))
        if subject not in self._monitors:
            self._begin(subject)
        return subject

    def _start_anew(self, kinds: Collection[SignalKind]) -> Iterator[Noticed]:
        """Watch what is of these kinds from now on as it is of another model."""
        for subject in sorted(self._monitors):  # the order in which they were made is not kept
            if kind_of(subject) in kinds:
                self.touched.add(subject)
                if over := self._monitors[subject].start_anew():
                    yield self._noticed(subject, over)

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
        _, segment = divided(subject)
        tally = Tally(
            record["hour_of_week"],
            record["end_ms"],
            bins,
            counts,
            total,
            "" if segment else record["example"],  # which may be of another
        )
        # Blocks of a segment are more seldom than that: what is allowed is never too much.
        if change := monitor.tally(tally, self._allowed(subject) / RECORDS):
            yield self._noticed(subject, change)

    def _allowed(self, subject: str) -> float:
        """Return in how many events a monitor may raise one false alarm."""
        return self._once_in / self._shares.of(subject)

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


class Unwatched:
    """What is kept of a monitor that is no more, and had noticed a drift.

    Parameters
    ----------
    slots
        The monitor's, as it was kept.
    """

    def __init__(self, slots: Mapping[int, Mapping[str, Any]]) -> None:
        self._slots = {slot: dict(parts) for slot, parts in slots.items()}

    def end(self) -> Change:
        """Return the drift's end; it is kept that there is none any more."""
        raised = raised_of(self._slots)
        assert raised is not None  # noqa: S101 -- whoever calls has looked
        self._slots[NOW]["raised"] = None
        return raised._replace(is_raised=False, reason="it is watched no more")

    def slots(self) -> dict[int, dict[str, Any]]:
        """Return all of it."""
        return self._slots

    def restore(self, slots: Mapping[int, Mapping[str, Any]]) -> None:
        """Become what another was."""
        self._slots = {slot: dict(parts) for slot, parts in slots.items()}


class _Serving:
    """Who decides."""

    def __init__(self) -> None:
        self.model = self.model_version = ""

    def slots(self) -> dict[int, dict[str, Any]]:
        return {0: dict(vars(self))}

    def restore(self, slots: Mapping[int, Mapping[str, Any]]) -> None:
        vars(self).update(slots[0])


def _with(record: Mapping[str, Any]) -> dict[str, int]:
    return {each["name"]: each["records"] for each in record["counts"]}
