"""What was learned is the same whenever, and however often, it was begun anew."""

import random
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.chassis.companion import OutOfStep
from headrace.chassis.records import Received
from headrace.chassis.stages import StageClock
from headrace.chassis.state import KeyedState
from headrace.errors import HeadraceError
from headrace.learning.app import Channels, Learner
from headrace.learning.domain import Fold
from headrace.learning.following import Following, Past
from headrace.learning.publishing import Publishing
from headrace.learning.snapshots import KEY, SnapshotFormat, Snapshots, Unfit
from headrace.learning.standing import Standing
from headrace.usecase.charter import Charter
from headrace.usecase.learning import LearnedModel, Learning
from support.counting import json_channel
from support.use_case import SHIPPED

DAY = 86_400_000
LEARNING = Learning(
    champion="both",
    negatives_share=0.5,
    freeze_every=50,
    models={
        "logistic": LearnedModel(family="logistic", parameters={"learning_rate": 0.05}),
        "forest": LearnedModel(
            family="adaptive-forest", parameters={"trees": 2, "grace_period": 20}
        ),
        "both": LearnedModel(mean_of={"logistic": 1.0, "forest": 2.0}),
    },
)
CHARTER = Charter.load(SHIPPED).model_copy(update={"learning": LEARNING})
KEY_PAIR = Ed25519PrivateKey.from_private_bytes(bytes(32))
FEATURES = len(CHARTER.feature_set.names)


def outcome(number, value=None, **others):
    rnd = random.Random(number)
    vector = [rnd.gauss(0, 1) for _ in range(FEATURES)]
    value = vector[0] > 1 if value is None else value
    return {
        "decision_id": f"events:0:{number}",
        "event_id": f"event-{number}",
        "feature_set": CHARTER.feature_set.digest,
        "features": vector,
        "score": rnd.random(),
        "fallback": "",
        "value": None if number % 11 == 0 else value,
        "source": "analyst",
        "occurred_at_ms": number * DAY // 20,
        "known_at_ms": number * DAY // 20 + DAY,
        "amount_minor": 1_000,
        "currency": "EUR",
        "action": "review",
        "acted": True,
        "replaces": None,
        **others,
    }


LOG = [outcome(number) for number in range(240)]
LOG[70] = outcome(70, feature_set=bytes(32))  # passed over
LOG[90] = outcome(90, features=[1e200] * FEATURES)  # what no model can compute with
SNAPSHOTS = Snapshots(CHARTER, KEY_PAIR)


def read(span, batch=30):
    yield []
    for start in range(span.start, span.stop, batch):
        yield [Past(each, LOG[each]) for each in range(start, min(start + batch, span.stop))]


def followed(end):
    """What came of the outcomes before ``end``, learned one after the other."""
    standing = Standing(CHARTER)
    for offset, record in enumerate(LOG[:end]):
        try:
            standing.take(record, offset)
        except HeadraceError:
            continue
    return standing


def state_with(bodies=()):
    state = KeyedState(SnapshotFormat())
    held = state.of(0)[KEY] = SnapshotFormat().empty(KEY)
    held.parts.update(enumerate(bodies))
    return state


@cache
def uninterrupted(end):
    """The digest of what was learned from the outcomes before ``end``."""
    return followed(end).digest()


@settings(max_examples=15)
@given(
    snapshot_at=st.integers(0, 200),
    more=st.integers(0, 40),
    ahead=st.integers(0, 40),
)
def test_from_a_snapshot_it_comes_to_what_an_uninterrupted_one_has(snapshot_at, more, ahead):
    """It may have gone ahead with a batch whose transaction failed, too."""
    target = snapshot_at + more
    state = state_with(SNAPSHOTS.bodies(followed(snapshot_at)))
    following = Following(lambda: Standing(CHARTER), SNAPSHOTS, read)
    assert following.settle(state, {0: (target,)}, lambda: True)
    assert following.standing.digest() == uninterrupted(target)
    for offset in range(target, min(target + ahead, len(LOG))):
        try:
            following.standing.take(LOG[offset], offset)
        except HeadraceError:
            continue
    assert following.settle(state, {0: (target,)}, lambda: True)
    assert following.standing.digest() == uninterrupted(target)


def test_without_a_snapshot_it_learns_all_again():
    following = Following(lambda: Standing(CHARTER), SNAPSHOTS, read)
    assert following.settle(KeyedState(SnapshotFormat()), {0: (120,)}, lambda: True)
    assert following.standing.digest() == uninterrupted(120)


def test_where_nothing_was_ever_committed_it_begins_at_the_first():
    following = Following(lambda: Standing(CHARTER), SNAPSHOTS, read)
    assert following.settle(KeyedState(SnapshotFormat()), {0: (-1,)}, lambda: True)
    assert following.standing.digest() == uninterrupted(0)


def test_it_is_abandoned_where_the_partition_is_lost():
    following = Following(lambda: Standing(CHARTER), SNAPSHOTS, read)
    assert not following.settle(KeyedState(SnapshotFormat()), {0: (120,)}, lambda: False)


def test_a_snapshot_past_the_committed_offset_is_an_error():
    following = Following(lambda: Standing(CHARTER), SNAPSHOTS, read)
    state = state_with(SNAPSHOTS.bodies(followed(50)))
    with pytest.raises(HeadraceError, match="up to offset 50, past the committed offset 20"):
        following.settle(state, {0: (20,)}, lambda: True)


BODIES = SNAPSHOTS.bodies(followed(30))


@pytest.mark.parametrize(
    ("bodies", "why"),
    [
        ([], "there is no snapshot"),
        ([BODIES[0]], "not whole"),
        ([BODIES[0], BODIES[1][:-1] + b"x"], "not whole"),
        ([b"\1" + BODIES[0][1:], BODIES[1]], "not signed by the key"),
        ([BODIES[0][:-1] + b" ", BODIES[1]], "not signed by the key"),
        ([Snapshots(CHARTER, Ed25519PrivateKey.generate()).bodies(followed(3))[0]], "not signed"),
    ],
)
def test_what_this_service_has_not_written_is_not_read(bodies, why):
    with pytest.raises(Unfit, match=why):
        SNAPSHOTS.read(dict(enumerate(bodies)))


def test_a_snapshot_for_other_models_is_not_gone_on_from():
    slower = Learning(champion="a", freeze_every=9, models={"a": LearnedModel(family="logistic")})
    changed = CHARTER.model_copy(update={"learning": slower})
    with pytest.raises(Unfit, match="made with another learning"):
        Snapshots(changed, KEY_PAIR).read(dict(enumerate(BODIES)))


def test_how_often_models_are_learned_anew_from_history_is_no_matter_of_a_snapshot():
    often = Learning(
        champion=LEARNING.champion,
        freeze_every=LEARNING.freeze_every,
        models=LEARNING.models,
        negatives_share=LEARNING.negatives_share,
        retrain_every="7d",
    )
    changed = CHARTER.model_copy(update={"learning": often})
    restored = Snapshots(changed, KEY_PAIR).read(dict(enumerate(BODIES)))
    assert restored.digest() == SNAPSHOTS.read(dict(enumerate(BODIES))).digest()


def test_a_large_snapshot_goes_in_parts(monkeypatch):
    monkeypatch.setattr("headrace.learning.snapshots.PART_BYTES", 1_000)
    bodies = SNAPSHOTS.bodies(followed(30))
    assert max(map(len, bodies[1:])) <= 1_000
    assert len(bodies) > 3
    stale = {len(bodies): b"of a larger one before"}
    assert SNAPSHOTS.read(dict(enumerate(bodies)) | stale).digest() == followed(30).digest()


def learner_of(following):
    charter = CHARTER.model_copy(update={"name": "u"})
    channels = Channels(*(json_channel(name) for name in Channels._fields))
    publishing = Publishing(charter, KEY_PAIR, lambda: 1)
    return Learner(charter, following, SNAPSHOTS, publishing, channels, {}, 10**9)


def received(offsets):
    return [Received(0, each, "card", b"", LOG[each], -1) for each in offsets]


@pytest.fixture
def following():
    following = Following(lambda: Standing(CHARTER), SNAPSHOTS, read)
    assert following.settle(KeyedState(SnapshotFormat()), {0: (-1,)}, lambda: True)
    return following


@pytest.mark.parametrize(
    "changes",
    [
        {"features": [1.0, 2.0, 3.0]},
        {"features": [float("nan")] * FEATURES},
        {"features": [1e160] * FEATURES},
        {"amount_minor": 2**63 - 1},
        {"score": float("nan")},
        {"source": "one that the charter does not name any more"},
        {"action": "dance"},
    ],
)
def test_a_strange_outcome_stops_nothing_and_is_folded_again_alike(following, changes, monkeypatch):
    log = [outcome(number) for number in range(40)]
    log[20] = outcome(20, **changes)
    monkeypatch.setitem(globals(), "LOG", log)
    learner_of(following)(received(range(40)), KeyedState(SnapshotFormat()).overlay(), StageClock())
    assert following.standing.position == 40
    again = Following(lambda: Standing(CHARTER), SNAPSHOTS, read)
    assert again.settle(KeyedState(SnapshotFormat()), {0: (40,)}, lambda: True)
    assert again.standing.digest() == following.standing.digest()
    assert again.standing.fold.taken >= 35


def test_a_label_of_a_source_that_is_gone_is_learned_from(following):
    before = following.standing.fold.taken
    following.standing.take(outcome(1, source="gone"), 0)
    assert following.standing.fold.taken == before + 1


def test_what_was_learned_is_never_learned_again_in_silence(following):
    """Whoever hands the same records in twice without settling between is told so."""
    learner, view = learner_of(following), KeyedState(SnapshotFormat()).overlay()
    learner(received(range(10)), view, StageClock())
    with pytest.raises(OutOfStep):
        learner(received(range(5)), view, StageClock())


def test_a_model_that_cannot_be_frozen_stops_neither_the_others_nor_the_learning(
    following, monkeypatch
):
    """Whatever is wrong with it."""
    learner, freeze = learner_of(following), Fold.freeze_one

    def failing(fold, name):
        if name == "forest":
            raise IndexError("a leaf is missing")
        return freeze(fold, name)

    monkeypatch.setattr(Fold, "freeze_one", failing)
    offsets = [each for each in range(120) if each not in (70, 90)]
    view = KeyedState(SnapshotFormat()).overlay()
    handled = learner(received(offsets), view, StageClock())
    assert handled.counts["models_refused"] == 2
    assert handled.counts["models_published"] == 4
    assert following.standing.position == 120
