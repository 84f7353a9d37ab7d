"""Evaluations as records."""

import fastavro
import pytest

from headrace.contracts.schemas import load_schema
from headrace.evaluating.evaluator import ALL, SERVED
from headrace.evaluating.money import Costs
from headrace.evaluating.recording import evaluations_made
from unit.evaluating.logs import START, evaluator, folded, outcome, random_log

VERSIONS = {"served": "7"}


def made(it) -> list:
    return list(evaluations_made(it.known(), "card-fraud", VERSIONS, "EUR"))


@pytest.mark.parametrize("seed", range(3))
def test_every_evaluation_is_a_record_of_the_contract(seed):
    it = folded(random_log(seed, 120))
    schema = load_schema("platform/EvaluationMade")
    records = made(it)
    assert len(records) == len(list(it.known())) > 0
    assert all(fastavro.validate(record, schema, strict=True) for record in records)


def test_the_money_stands_with_who_decided():
    it = evaluator()
    it.take(outcome(0, value=True, costs=Costs(100, 9_000)))
    by_model = {each["model"]: each for each in made(it) if each["label_source"] == ALL}
    served, forest = by_model[SERVED], by_model["forest"]
    assert (served["currency"], served["priced"]) == ("EUR", 1)
    assert served["cost_minor"] == 100
    assert served["cost_of_approving_minor"] == 9_000
    assert served["saved_minor"] == 8_900
    assert forest["saved_minor"] is forest["currency"] is None
    assert (served["model_version"], forest["model_version"]) == ("7", "")
    assert served["window_start_ms"] == START


def test_what_cannot_be_said_is_null():
    it = evaluator()
    it.take(outcome(0, value=None, source="censored"))
    record = made(it)[0]
    assert record["censored"] == 1
    assert record["log_loss"] is record["roc_auc"] is record["cost_minor"] is None
