"""Wiring the learning service: what it reads, what it remembers, what it does."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from headrace.chassis.clients import Clients
from headrace.chassis.clock import now_ms
from headrace.chassis.companion import OutOfStep
from headrace.chassis.metrics import CountName
from headrace.chassis.reading import read_span
from headrace.chassis.records import Handled, Outgoing, Received, Rejected
from headrace.chassis.service import Around, ServiceBuilder
from headrace.chassis.stages import StageClock
from headrace.chassis.state import View
from headrace.chassis.stream import Stream
from headrace.chassis.table import Table
from headrace.chassis.topology import Channel
from headrace.contracts.codec import Undecodable
from headrace.contracts.records import ServingChanged
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.evaluating.evaluator import Evaluation
from headrace.evaluating.recording import evaluations_made
from headrace.learning.following import Following, Past
from headrace.learning.publishing import Publishing, Release
from headrace.learning.settings import LearningSettings
from headrace.learning.snapshots import KEY, Snapshot, SnapshotFormat, Snapshots
from headrace.learning.standing import Standing, take_or_fault
from headrace.models.choice import CHAMPION, is_pinned
from headrace.models.keys import load_key
from headrace.usecase.charter import Charter

SERVICE = "learning"
_log = logging.getLogger("headrace.learning")


def build(settings: LearningSettings, around: Around) -> Stream[Snapshot]:
    """Return the learning service, ready to run.

    Raises
    ------
    HeadraceError
        The charter is wrong or learns nothing, there is no key to sign models with, the registry is
        down, or the topics and schemas were not applied.
    """
    charter = Charter.load(settings.charter, field_names)
    if charter.learning is None:
        raise HeadraceError(
            f"The charter {charter.name} learns nothing.", fix="Declare [learning]."
        )
    builder = ServiceBuilder(SERVICE, charter.name, charter.events.schema, around)
    key = load_key(settings.signing_key)
    channels = Channels(*(builder.channel(each.replace("_", "-")) for each in Channels._fields))
    servings = Table(builder.clients, channels.servings.topic, channels.servings.decode)
    outcomes = builder.input("outcomes")
    snapshots = Snapshots(charter, key)
    following = Following(
        lambda: Standing(charter),
        snapshots,
        lambda span: past(builder.clients, outcomes.channel, span, around.stream.settle_timeout_s),
    )
    publishing = Publishing(charter, key, now_ms)
    learner = Learner(
        charter,
        following,
        snapshots,
        publishing,
        channels,
        servings.records,
        settings.snapshot_every,
    )
    return builder.stream(SnapshotFormat(), [outcomes], [learner], [servings], following)


class Channels(NamedTuple):
    """Where what learning tells goes."""

    models: Channel
    model_chunks: Channel
    servings: Channel
    evaluations: Channel


class Learner:
    """The stream's handler: learns from outcomes, and publishes what came of it."""

    def __init__(
        self,
        charter: Charter,
        following: Following,
        snapshots: Snapshots,
        publishing: Publishing,
        channels: Channels,
        servings: Mapping[str, Mapping[str, Any]],
        snapshot_every: int,
    ) -> None:
        assert charter.learning is not None  # noqa: S101 -- build has looked
        self._use_case, self._champion = charter.name, charter.learning.champion
        self._names = list(charter.learning.models)
        self._following = following
        self._snapshots = snapshots
        self._publishing = publishing
        self._channels = channels
        self._servings = servings
        self._snapshot_every = snapshot_every

    def __call__(
        self, received: Sequence[Received], view: View[Snapshot], stages: StageClock
    ) -> Handled:
        """Take outcomes one by one; publish, and take a snapshot, where that is due."""
        handled = Handled([], [], Counter())
        standing = self._following.standing
        before = standing.position
        if received and received[0].offset < before:
            raise OutOfStep(f"offset {received[0].offset} was learned before, up to {before}")
        for each in received:
            stages.enter("model")
            taken = take_or_fault(standing, each.record, each.offset)
            if isinstance(taken, str):
                handled.rejected.append(Rejected(each, "handler_failed", taken))
                continue
            if taken.passed_over:
                handled.counts["outcomes_passed_over"] += 1
            stages.enter("encode")
            self._evaluate(taken.final, standing, handled)
            if taken.is_freeze_due:
                self._release(standing, handled)
        every = self._snapshot_every
        if received and before // every != standing.position // every:
            self._take_snapshot(standing, received[-1], view, handled.counts)
        return handled

    def _release(self, standing: Standing, handled: Handled) -> None:
        """Publish the models as they are, say how good they are, and who serves."""
        release = self._publishing.release(standing)
        for name, why in release.refused.items():
            _log.error("the model %s is not published: %s", name, why)
            handled.counts["models_refused"] += 1
        for each in release.published.values():
            _put(handled, self._channels.model_chunks, each.chunks)
            _put(handled, self._channels.models, [each.model])
            handled.counts["models_published"] += 1
        self._evaluate(list(standing.evaluator.known()), standing, handled)
        self._promote(release, standing, handled)

    def _promote(self, release: Release, standing: Standing, handled: Handled) -> None:
        """Have the champion serve, unless a person has said who does, or it is worse."""
        if self._champion not in release.published:
            return
        if is_pinned(self._servings):
            return
        published = release.published[self._champion].model[1]
        if reason := standing.trial.why_not():
            _log.info("%s %s does not serve: %s", self._champion, published["version"], reason)
            return
        changed = ServingChanged(
            role=CHAMPION,
            digest=published["digest"],
            name=published["name"],
            version=published["version"],
            by=SERVICE,
            reason=f"the champion has learned from {published['version']} outcomes",
            changed_at_ms=published["published_at_ms"],
        )
        _put(handled, self._channels.servings, [(CHAMPION, changed)])

    def _evaluate(
        self, evaluations: Sequence[Evaluation], standing: Standing, handled: Handled
    ) -> None:
        versions = dict.fromkeys(self._names, standing.version)
        made = evaluations_made(evaluations, self._use_case, versions, standing.currency)
        _put(handled, self._channels.evaluations, [(each["model"], each) for each in made])

    def _take_snapshot(
        self,
        standing: Standing,
        last: Received,
        view: View[Snapshot],
        counts: Counter[CountName],
    ) -> None:
        held = view.get(last.partition, KEY)
        for slot, body in enumerate(self._snapshots.bodies(standing)):
            held.parts[slot] = body
            view.change(last.partition, KEY, slot, last.offset, body)
        counts["snapshots"] += 1


def past(
    clients: Clients, outcomes: Channel, span: range, timeout_s: float
) -> Iterator[Sequence[Past]]:
    """Read outcomes again; what nobody can read became a dead letter when it first came."""
    for batch in read_span(clients, outcomes.topic, span, timeout_s):
        read = []
        for message in batch:
            try:
                (message.key() or b"").decode()
                read.append(Past(message.offset(), outcomes.decode(message.value())))
            except (Undecodable, UnicodeDecodeError):
                continue
        yield read


def _put(handled: Handled, channel: Channel, records: Sequence[tuple[str, Any]]) -> None:
    """Add records, each with its key."""
    if records:
        encode: Callable[[Any], bytes] = channel.encode
        keys, values = [key for key, _ in records], [encode(each) for _, each in records]
        handled.outgoing.append(Outgoing(channel.topic, keys, values))
