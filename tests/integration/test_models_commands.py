"""What people do with models, from the first outcome to the way back, on the real stack."""

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from support.charter_texts import card_fraud
from support.outcomes import LEARNING, outcome, publish
from support.running import run, until
from support.use_case import START_MS, deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

OUTCOMES = 240


@pytest.fixture
def case(stack, use_case, tmp_path):
    original = tmp_path / "card-fraud.toml"
    original.write_text(card_fraud(learning=False))
    with deployed(use_case, tmp_path, {"[policy]\n": LEARNING}, original) as case:
        yield case


def told(case, *arguments):
    """What a command prints as JSON."""
    done = case.headrace("models", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def done(case, *arguments) -> str:
    done = case.headrace("models", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def serving(case):
    """Who serves, and who has said so."""
    last = case.records("servings")[-1]
    return last["name"], last["version"], last["by"]


def versions(case, name):
    return [each["version"] for each in case.records("models") if each["name"] == name]


def test_models_are_compared_retrained_pinned_handed_back_and_rolled_back(case, tmp_path):
    nothing = case.headrace("models", "compare")
    assert nothing.returncode == 1
    assert "headrace run learning" in nothing.stderr
    assert told(case, "retrain")["why_not"].startswith("nothing has become known yet")

    publish(case, (outcome(case, number) for number in range(OUTCOMES)))
    with run(case, "learning") as learning:
        until(lambda: versions(case, "logistic")[-1:] == ["240"], 60, learning.errors)
        assert case.records("servings") == [], "too little is known for a champion"

        (known,) = told(case, "compare")["comparisons"]
        by_model = {each["model"]: each for each in known["models"]}
        assert set(by_model) == {"served", "logistic", "bayes"}
        assert {each["positives"] + each["negatives"] for each in by_model.values()} == {240}
        assert by_model["served"]["roc_auc"] < 0.7 < by_model["logistic"]["roc_auc"]
        assert by_model["logistic"]["version"] == "240"
        drawn = tmp_path / "models.svg"
        table = done(case, "compare", "logistic", "served", "--by-source", "--picture", drawn)
        assert "weighted by known outcomes" in table
        assert "labels of analyst" in table
        ET.fromstring(drawn.read_text())  # noqa: S314 -- our own
        day = f"{datetime.fromtimestamp(START_MS / 1_000, UTC):%Y-%m-%d}"
        assert "Of the window of " in done(case, "compare", "--window", day)
        (latest,) = told(case, "compare", "--last", "1d")["comparisons"]
        assert latest["window_starts_ms"] == known["window_starts_ms"][-1:]
        assert "evaluation of forest" in case.headrace("models", "compare", "forest").stderr

        publish(
            case,
            [
                outcome(case, 3, value=True, revision=2, source="chargeback", replaces=False),
                outcome(case, 4, value=True, feature_set=bytes(32), decision_id="other"),
                outcome(case, 500, value=None, source="censored") | {"value": None},
            ],
        )
        retrained = told(case, "retrain", "--model", "logistic", "--reason", "a correction")
        assert (retrained["decisions"], retrained["corrected"]) == (242, 1)
        assert (retrained["learned_from"], retrained["censored"]) == (240, 1)
        assert retrained["passed_over"] == {"it has other features": 1}
        (fresh,) = retrained["published"]
        assert fresh["version"] == "240-retrained"
        assert versions(case, "bayes") == ["60", "120", "180", "240"]
        assert case.records("servings") == [], "too little is known for a champion"
        lineage = told(case, "show", fresh["digest"])["manifest"]["lineage"]
        assert lineage["is_retrained"]
        assert lineage["reason"] == "a correction"
        again = told(case, "retrain", "--model", "logistic")
        assert again["published"] == []
        assert "since the last time" in again["why_not"]

        beside = done(case, "retrain", "--model", "bayes")
        assert "Learned anew from 240 of 242 decisions" in beside
        assert "headrace models serve bayes --digest " in beside
        assert "1 were passed over: it has other features." in beside
        assert "Nothing was published" in done(case, "retrain", "--model", "bayes")

        done(case, "serve", "logistic", "--digest", fresh["digest"][:16], "--reason", "fresher")
        assert serving(case)[1] == "240-retrained"
        publish(case, (outcome(case, number) for number in range(240, 300)))
        until(lambda: versions(case, "logistic")[-1:] == ["300"], 60, learning.errors)
        assert serving(case)[1] == "240-retrained"

        said = done(case, "serve", "--learning", "--reason", "it was a trial")
        assert "goes on to serve" in said
        assert serving(case) == ("logistic", "240-retrained", "learning")
        assert case.records("servings")[-1]["reason"].endswith(": it was a trial")
        before = len(case.records("servings"))
        assert "already" in done(case, "serve", "--learning", "--reason", "once more")
        assert len(case.records("servings")) == before
        publish(case, (outcome(case, number) for number in range(300, 360)))
        until(lambda: versions(case, "logistic")[-1:] == ["360"], 60, learning.errors)

        scorecard = told(case, "publish")
        named = f"serve {scorecard['name']} --digest {scorecard['digest'][:16]} --reason"
        assert named in done(case, "publish")
        done(case, "serve", scorecard["name"], "--reason", "back to what we know")
        assert serving(case)[:2] == (scorecard["name"], scorecard["version"])
        assert learning.stop() == 0


def test_a_folder_that_nobody_trusted_has_signed_is_not_published(case):
    for key in case.settings.trusted_keys.iterdir():
        key.unlink()
    refused = case.headrace("models", "publish")
    assert refused.returncode == 1
    assert "not trusted" in refused.stderr
    assert case.records("models") == []
