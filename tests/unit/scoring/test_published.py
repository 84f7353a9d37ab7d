"""Published models, found in their topics and verified."""

from dataclasses import replace

import numpy as np
import pytest

from headrace.chassis.topology import Channel
from headrace.contracts.codec import Decoder, Encoder
from headrace.contracts.schemas import load_schema
from headrace.errors import HeadraceError
from headrace.models.artefact import describe, read_artefact
from headrace.models.frozen import FrozenModel
from headrace.models.keys import load_key, load_trusted
from headrace.models.publication import publication
from headrace.models.scored import Scored
from headrace.models.trust import ModelUntrusted
from headrace.scoring.provision import freeze
from headrace.scoring.published import PublishedModels
from headrace.scoring.settings import ScoringSettings
from support.desk import charter_with
from support.fake_kafka import FakeClients, FakeKafka


def channel(topic: str, record: str) -> Channel:
    schema = load_schema(f"platform/{record}")
    return Channel(topic, Encoder(schema, 1), Decoder(schema, lambda _: schema, 1_048_576))


MODELS, CHUNKS = channel("models", "ModelPublished"), channel("chunks", "ModelChunkPublished")


class World:
    """A signing key, models of one charter, and the topics that they are published to."""

    def __init__(self, home) -> None:
        self.settings = ScoringSettings(home=home)
        self.charter = charter_with()
        freeze(self.settings, self.charter)
        self.key = load_key(self.settings.signing_key)
        self.artefact = read_artefact(
            self.settings.model_folder(self.charter.name),
            load_trusted(self.settings.trusted_keys),
            self.charter.feature_set.digest,
        )
        self.kafka = FakeKafka()
        for topic in (MODELS.topic, CHUNKS.topic):
            self.kafka.create_topic(topic)
        self.models = PublishedModels(
            FakeClients(self.kafka, "reader"),
            MODELS,
            CHUNKS,
            self.settings.trusted_keys,
            self.charter.feature_set.digest,
        )

    def version(self, version, **arrays):
        arrays = {**self.artefact.arrays, **arrays}
        described = {"version": version, "arrays": describe(arrays)}
        manifest = self.artefact.manifest.model_copy(update=described)
        return replace(self.artefact, manifest=manifest, arrays=arrays)

    def publish(self, artefact, published_at_ms=0, *, chunks=True):
        """Publish a model, and return what says that it is to serve."""
        published = publication(artefact, self.key, published_at_ms)
        for key, record in published.chunks if chunks else ():
            self.write(CHUNKS, key, CHUNKS.encode(record))
        key, record = published.model
        self.write(MODELS, key, MODELS.encode(record))
        return {name: record[name] for name in ("digest", "name", "version")}

    def write(self, channel, key, value) -> None:
        producer = FakeClients(self.kafka, "writer").producer()
        producer.produce(channel.topic, value, key)
        producer.flush(1)


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def test_the_model_that_is_to_serve_is_found_among_all(world) -> None:
    serving = [world.publish(world.version(str(number))) for number in range(3)]
    for each in serving:
        model = world.models.to_serve(each)
        assert (model.version, model.digest) == (each["version"], each["digest"])
    assert [each["version"] for each in world.models.all()] == ["0", "1", "2"]


def test_chunks_are_found_wherever_they_stand_whatever_the_time_says(world) -> None:
    serving = world.publish(world.artefact, published_at_ms=world.kafka.now_ms + 1_000)
    assert world.models.to_serve(serving).digest == serving["digest"]
    again = world.publish(world.artefact, published_at_ms=world.kafka.now_ms)
    assert world.models.to_serve(again).digest == again["digest"]


def test_what_nobody_can_read_is_passed_over(world) -> None:
    world.write(CHUNKS, "key", b"garbage")
    serving = world.publish(world.artefact)
    world.write(MODELS, serving["digest"].hex(), b"garbage")
    assert world.models.to_serve(serving).digest == serving["digest"]


def test_a_model_that_was_never_published_is_refused(world) -> None:
    serving = world.publish(world.artefact)
    with pytest.raises(ModelUntrusted, match="no model of the digest 0000"):
        world.models.to_serve({**serving, "digest": bytes(32)})


def test_a_model_whose_chunks_are_missing_is_refused(world) -> None:
    serving = world.publish(world.version("1", intercept=np.array([0.5])), chunks=False)
    with pytest.raises(ModelUntrusted, match="was not published whole"):
        world.models.to_serve(serving)


def test_a_model_under_another_name_is_refused(world) -> None:
    serving = world.publish(world.artefact)
    with pytest.raises(ModelUntrusted, match="another 1 was to serve"):
        world.models.to_serve({**serving, "name": "another", "version": "1"})


def test_a_signed_model_that_says_no_score_is_refused_before_it_serves(world, monkeypatch) -> None:
    def says_nothing(self, matrix):
        return Scored(np.full(len(matrix), np.nan), np.zeros(matrix.shape))

    monkeypatch.setattr(FrozenModel, "score", says_nothing)
    serving = world.publish(world.artefact)
    with pytest.raises(ModelUntrusted, match=r"which is not from 0\.0 to 1\.0"):
        world.models.to_serve(serving)


def test_a_key_is_trusted_and_no_more_without_a_restart(world) -> None:
    serving = world.publish(world.artefact)
    world.models.to_serve(serving)
    for key in world.settings.trusted_keys.iterdir():
        key.unlink()
    with pytest.raises(ModelUntrusted, match="which is not trusted"):
        world.models.to_serve(serving)


def test_topics_that_are_not_there_say_nothing_of_the_model(world) -> None:
    del world.kafka.topics[MODELS.topic]
    with pytest.raises(HeadraceError, match="models cannot be read") as raised:
        world.models.to_serve({"digest": bytes(32), "name": "any", "version": "1"})
    assert not isinstance(raised.value, ModelUntrusted)
