"""Learning anew from a topic into a topic: once for what is known, whoever else does so too."""

import itertools
import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headrace.chassis.topology import Channel
from headrace.contracts.codec import Decoder, Encoder
from headrace.contracts.schemas import load_schema
from headrace.errors import HeadraceError
from headrace.learning.retrainer import GivenUp, Retrainer
from headrace.models.publication import manifest_of
from headrace.usecase.charter import Charter
from headrace.usecase.learning import LearnedModel, Learning
from support.fake_kafka import FakeClients, FakeKafka, meanwhile, refuse
from support.fake_kafka.errors import failure
from support.use_case import SHIPPED

LOGISTIC, BAYES = LearnedModel(family="logistic"), LearnedModel(family="gaussian-bayes")
CHARTER = Charter.load(SHIPPED).model_copy(
    update={
        "learning": Learning(
            champion="logistic", freeze_every=50, models={"logistic": LOGISTIC, "bayes": BAYES}
        )
    }
)
SCHEMAS = {
    "outcomes": load_schema("platform/OutcomeKnown"),
    "models": load_schema("platform/ModelPublished"),
    "model-chunks": load_schema("platform/ModelChunkPublished"),
}
IDS = dict(enumerate(SCHEMAS.values()))
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOW_MS = 1_700_000_000_000


class Wired:
    """Channels without a registry."""

    def channel(self, topic):
        schema = SCHEMAS[topic.removeprefix(f"{CHARTER.name}.")]
        number = list(IDS.values()).index(schema)
        return Channel(topic, Encoder(schema, number), Decoder(schema, IDS.__getitem__, 1_048_576))


@pytest.fixture
def kafka():
    kafka = FakeKafka()
    for plural in SCHEMAS:
        kafka.create_topic(f"{CHARTER.name}.{plural}")
    return kafka


def outcome(number, value):
    rnd = random.Random(number)
    return {
        "decision_id": f"events:0:{number}",
        "event_id": f"event-{number}",
        "use_case": CHARTER.name,
        "key": f"card-{number}",
        "occurred_at_ms": NOW_MS + number,
        "decided_at_ms": NOW_MS + number,
        "amount_minor": 1_000,
        "currency": "EUR",
        "charter_digest": CHARTER.digest,
        "feature_set": CHARTER.feature_set.digest,
        "features": [rnd.gauss(0, 1) for _ in CHARTER.feature_set.names],
        "model": "scorecard",
        "model_version": "1",
        "model_digest": bytes(32),
        "arm": "champion",
        "arm_probability": 1.0,
        "score": rnd.random(),
        "action": "approve",
        "expected_cost_minor": None,
        "stage": "live",
        "acted": True,
        "fallback": "",
        "value": value,
        "source": "analyst",
        "known_at_ms": NOW_MS + number,
        "delay_ms": 0,
        "revision": 1,
        "replaces": None,
    }


def publish(kafka, numbers):
    channel = Wired().channel(f"{CHARTER.name}.outcomes")
    producer = FakeClients(kafka, "labelling").producer()
    for number in numbers:
        producer.produce(channel.topic, channel.encode(outcome(number, number % 3 == 0)), "card")
    producer.flush(1)


def add_marker(kafka):
    producer = FakeClients(kafka, "labelling").transactional_producer("labelling")
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce(f"{CHARTER.name}.outcomes", b"taken back", "card")
    producer.abort_transaction()


def retrainer(kafka, name="one"):
    clock = itertools.count(NOW_MS)
    return Retrainer(CHARTER, FakeClients(kafka, name), Wired(), KEY, lambda: next(clock))


def retrain(kafka, name="one", names=None, watch=lambda *_: True):
    return retrainer(kafka, name).retrain(names, "a test", watch)


def published(kafka):
    channel = Wired().channel(f"{CHARTER.name}.models")
    records = [channel.decode(each.value()) for each in kafka.records(channel.topic)]
    return [(each["name"], each["version"]) for each in records]


def both(version):
    return [("logistic", version), ("bayes", version)]


def test_what_is_known_is_learned_and_published_and_not_again_until_more_is_known(kafka):
    assert retrain(kafka).why_not.startswith("nothing has become known yet")
    publish(kafka, range(40))
    done = retrain(kafka)
    assert published(kafka) == both("40-retrained")
    lineage = manifest_of(done.published[0]).lineage
    assert (lineage.until_offset, lineage.reason, lineage.is_retrained) == (40, "a test", True)
    again = retrain(kafka)
    assert (again.work, again.published) == (None, [])
    assert again.why_not == "nothing has become known since the last time"
    publish(kafka, [40])
    retrain(kafka)
    assert published(kafka) == [*both("40-retrained"), *both("41-retrained")]


def test_markers_after_the_last_outcome_are_nothing_new(kafka):
    publish(kafka, range(20))
    retrain(kafka)
    add_marker(kafka)
    assert "since the last time" in retrain(kafka).why_not


def test_one_model_alone_is_learned_and_the_others_stay_as_they_are(kafka):
    publish(kafka, range(20))
    retrain(kafka, names=["bayes"])
    assert published(kafka) == [("bayes", "20-retrained")]
    retrain(kafka, names=["bayes"])
    retrain(kafka, names=["logistic"])
    assert published(kafka) == [("bayes", "20-retrained"), ("logistic", "20-retrained")]


def test_a_model_that_is_refused_is_tried_again_without_publishing_the_others_again(
    kafka, monkeypatch
):
    def frozen(fold, name):
        if name == "bayes":
            raise HeadraceError("The model bayes cannot learn.", fix="Clip the feature.")
        return freeze_one(fold, name)

    from headrace.learning.domain import Fold

    freeze_one = Fold.freeze_one
    publish(kafka, range(20))
    with monkeypatch.context() as patched:
        patched.setattr(Fold, "freeze_one", frozen)
        for _ in range(2):
            done = retrain(kafka)
            assert list(done.refused) == ["bayes"]
            assert "Clip the feature." in done.refused["bayes"]
    assert published(kafka) == [("logistic", "20-retrained")]
    retrain(kafka)
    assert published(kafka) == [("logistic", "20-retrained"), ("bayes", "20-retrained")]


@pytest.mark.parametrize("when", ["init_transactions", "begin_transaction", "commit_transaction"])
def test_two_at_once_publish_one_version(kafka, when):
    publish(kafka, range(20))
    kafka.faults.plan(when, meanwhile(lambda: retrain(kafka, "two")), process="one")
    done = retrain(kafka, "one")
    assert not kafka.faults.pending()
    assert published(kafka) == both("20-retrained")
    assert done.published == []
    assert done.why_not == "somebody else has just published the same"


@pytest.mark.parametrize("doing", ["looking", "reading", "learning", "publishing"])
def test_what_is_given_up_publishes_nothing_wherever_it_stands(kafka, doing):
    publish(kafka, range(20))
    if doing == "looking":  # for what is new, among markers
        retrain(kafka)
        add_marker(kafka)
    before = published(kafka)

    def watch(what, at, end):
        return not (what.startswith(doing) and (at == end or doing == "looking"))

    with pytest.raises(GivenUp):
        retrain(kafka, watch=watch)
    assert published(kafka) == before


def test_where_the_broker_refuses_the_commit_nothing_is_published_and_it_is_an_error(kafka):
    publish(kafka, range(20))
    kafka.faults.plan("commit_transaction", refuse(failure(-1, "away")))
    with pytest.raises(HeadraceError, match="not taken as one"):
        retrain(kafka)
    assert published(kafka) == []


def test_a_log_of_which_nothing_can_be_learned_publishes_nothing(kafka):
    channel = Wired().channel(f"{CHARTER.name}.outcomes")
    producer = FakeClients(kafka, "labelling").producer()
    producer.produce(channel.topic, channel.encode(outcome(1, None)), "card")
    producer.flush(1)
    done = retrain(kafka)
    assert done.why_not == "there is nothing that can be learned from"
    assert done.work is not None
