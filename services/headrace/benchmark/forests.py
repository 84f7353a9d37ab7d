"""Two versions of a forest that has learned, to be swapped: as one learner publishes them."""

from typing import Final

import numpy as np

from headrace.benchmark.course import Course
from headrace.benchmark.expected import Expected, expected, scored
from headrace.benchmark.feeding import publish
from headrace.benchmark.payments import Payments
from headrace.chassis.clock import now_ms
from headrace.models.artefact import Artefact
from headrace.models.frozen import FrozenModel
from headrace.models.keys import load_key
from headrace.models.learned import learned
from headrace.models.publication import publication
from headrace.models.zoo.families import new_learner
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter

_NOISE: Final = 0.1
_LARGE: Final = 1.3


def learn(payments: Payments, charter: Charter, seed: int) -> list[Artefact]:
    """Teach the charter's forest what of the payments is large for its card, with some noise.

    Both versions cost alike, so that what swaps cost is not what models cost.
    """
    assert charter.learning is not None  # noqa: S101 -- see with_forests
    name, declared = charter.learning.champion, charter.learning.models
    learner = new_learner(declared[name].family or "", declared[name].parameters)
    every, names = charter.learning.freeze_every, charter.feature_set.names
    first = payments.first(2 * every)
    features = expected(first, charter).features
    is_large = features[:, 0] > _LARGE * features[:, -1]
    noise = np.random.default_rng(seed).random(len(first)) < _NOISE
    versions = []
    for number, (row, y) in enumerate(zip(features.tolist(), is_large ^ noise, strict=True), 1):
        learner.learn_one(dict(zip(names, row, strict=True)), bool(y))
        if number % every == 0:
            versions.append(learned(charter, name, learner.freeze(names), number, now_ms()))
    return versions


def publish_models(course: Course, models: list[Artefact]) -> None:
    """Publish models, signed by the key whose signatures scoring trusts."""
    key = load_key(ScoringSettings().signing_key)
    of_chunk, of_model = course.encoder("model-chunks"), course.encoder("models")
    for model in models:
        published = publication(model, key, now_ms())
        chunks = [(place, of_chunk(record)) for place, record in published.chunks]
        publish(course, chunks, "model-chunks")
        digest, record = published.model
        publish(course, [(digest, of_model(record))], "models")


def expected_of(
    models: list[Artefact], payments: Payments, charter: Charter
) -> dict[bytes, Expected]:
    """Compute what must come out of each event, by the digest of the model that decides it."""
    features = expected(payments, charter).features
    return {
        model.digest: scored(features, FrozenModel(model).score(features).scores, payments, charter)
        for model in models
    }
