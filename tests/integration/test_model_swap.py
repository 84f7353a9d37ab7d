"""Models published while scoring runs: swapped between two batches, or refused."""

import getpass
import json
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from headrace.models.artefact import Artefact, describe, read_artefact
from headrace.models.choice import PERSON
from headrace.models.keys import load_key, load_trusted
from headrace.models.publication import publication
from support.running import scoring
from support.use_case import deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

MANY = 3_000
SMALL = {"HEADRACE_BATCH_RECORDS": 50}


def first_model(case) -> Artefact:
    """The frozen scorecard, which serves until something is published."""
    return read_artefact(
        case.settings.model_folder(case.name),
        load_trusted(case.settings.trusted_keys),
        case.charter.feature_set.digest,
    )


def another(case, version, intercept) -> Artefact:
    """The scorecard with another intercept."""
    first = first_model(case)
    arrays = {**first.arrays, "intercept": np.array([intercept])}
    manifest = first.manifest.model_copy(update={"version": version, "arrays": describe(arrays)})
    return replace(first, manifest=manifest, arrays=arrays)


def publish(case, artefact, tamper=lambda chunk: chunk):
    """Publish a model, as who learns does; returns its record."""
    now_ms = time.time_ns() // 1_000_000
    published = publication(artefact, load_key(case.settings.signing_key), now_ms)
    encode = case.encoder("model-chunks")
    case.publish(
        ((key, encode(tamper(record))) for key, record in published.chunks), "model-chunks"
    )
    key, record = published.model
    case.publish([(key, case.encoder("models")(record))], "models")
    return record


def point_at(case, record) -> None:
    """Say that a model is to serve, without looking at it first."""
    serving = {
        "role": "champion",
        **{name: record[name] for name in ("digest", "name", "version")},
        "by": "a test",
        "reason": "unseen",
        "changed_at_ms": time.time_ns() // 1_000_000,
    }
    case.publish([(PERSON, case.encoder("servings")(serving))], "servings")


def decided(case):
    """Version and digest of the model of each event, by event; no event has two."""
    records = case.records("decisions")
    assert len({each["event_id"] for each in records}) == len(records)
    assert {each["fallback"] for each in records} == {""}
    return {each["event_id"]: (each["model_version"], each["model_digest"]) for each in records}


def audits(case):
    return [
        (each["version"], each["verdict"], each["serving_digest"])
        for each in case.records("model-audits")
    ]


def command(case, *arguments):
    done = case.headrace(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_published_model_is_swapped_in_a_tampered_one_is_not_and_nothing_is_lost(
    stack, use_case, tmp_path
):
    with deployed(use_case, tmp_path) as case:
        name = first_model(case).manifest.name

        def decide(first, count):
            case.publish(case.transactions(first, count))
            service.until(case.is_done)

        with scoring(case, **SMALL) as service:

            def counts(what):
                return service.metrics()[f"headrace_models_{what}_total"]

            decide(0, 10)
            assert json.loads(command(case, "models", "list", "--json")) == []

            a = publish(case, another(case, "A", -1.0))
            command(case, "models", "serve", name, "A", "--reason", "better")
            service.until(lambda: counts("swapped") == 1)
            decide(10, 10)

            def tampered(record):
                return {**record, "bytes": record["bytes"][:-1] + b"\x01"}

            b = publish(case, another(case, "B", -2.0), tampered)
            wrong = case.headrace("models", "serve", name, "B", "--reason", "better still")
            assert wrong.returncode == 1
            assert "was not published whole" in wrong.stderr
            point_at(case, b)
            service.until(lambda: counts("refused") == 1)
            decide(20, 10)
            assert service.is_ready()

            c = publish(case, another(case, "C", -3.0))
            events = case.transactions(30, MANY)
            for begin in range(0, MANY, 100):
                case.publish(events[begin : begin + 100])
                if begin == MANY // 3:
                    command(case, "models", "serve", name, "C", "--reason", "best")
                if begin == 2 * MANY // 3:
                    service.until(lambda: counts("swapped") == 2)
            service.until(case.is_done)
            service.until(lambda: len(audits(case)) == 3)
            assert counts("refused") == 1
            assert service.stop() == 0

        models = decided(case)
        versions = [models[f"event-{number}"][0] for number in range(30 + MANY)]
        first = first_model(case).manifest.version
        assert versions[:30] == [first] * 10 + ["A"] * 20
        swapped = versions.index("C")
        assert set(versions[30:swapped]) <= {"A"}
        assert set(versions[swapped:]) == {"C"}
        assert Counter(versions)["C"] > 0
        assert {digest for _, digest in models.values()} == {
            first_model(case).digest,
            a["digest"],
            c["digest"],
        }
        assert audits(case) == [
            ("A", "served", a["digest"]),
            ("B", "refused", a["digest"]),
            ("C", "served", c["digest"]),
        ]
        command(case, "verify")
        told = json.loads(command(case, "explain", "event-15", "--json"))
        assert told["proven"]
        assert told["arrivals"][0]["decision"]["model_version"] == "A"

        listed = json.loads(command(case, "models", "list", "--json"))
        assert [(each["version"], each["serves"]) for each in listed] == [
            ("A", False),
            ("B", False),
            ("C", True),
        ]
        assert name in command(case, "models", "list")
        shown = json.loads(command(case, "models", "show", name, "--json"))
        assert shown["digest"] == c["digest"].hex()
        assert shown["manifest"]["arrays"]["intercept"]["shape"] == [1]
        assert "intercept" in command(case, "models", "show", a["digest"].hex()[:12])
        (serving,) = {each["by"] for each in case.records("servings")} - {"a test"}
        assert serving == getpass.getuser()


def test_what_serves_survives_a_restart_and_a_pointer_to_nothing_leaves_the_first_model(
    stack, use_case, tmp_path
):
    with deployed(use_case, tmp_path) as case:
        a = publish(case, another(case, "A", -1.0))
        point_at(case, a)
        with scoring(case) as service:
            case.publish(case.transactions(0, 5))
            service.until(case.is_done)
            assert service.stop() == 0
        point_at(case, {**a, "digest": bytes(32)})
        with scoring(case) as service:
            case.publish(case.transactions(5, 5))
            service.until(case.is_done)
            assert service.stop() == 0
            assert "no model of the digest" in service.errors()
        versions = [version for version, _ in decided(case).values()]
        first = first_model(case)
        assert versions == ["A"] * 5 + [first.manifest.version] * 5
        assert audits(case) == [("A", "served", a["digest"]), ("A", "refused", first.digest)]
        command(case, "verify")
