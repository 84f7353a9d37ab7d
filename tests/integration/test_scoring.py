"""Scoring as it runs: each valid event has one decision with everything right, and its proof."""

import time
import uuid
from collections import Counter
from hashlib import sha256

import numpy as np
import pytest

from headrace.chassis.records import Received
from headrace.models.artefact import read_artefact
from headrace.models.frozen import FrozenModel
from headrace.models.keys import load_trusted
from headrace.simulator.kinds import REJECTED
from headrace.simulator.traffic import SHARES, Traffic
from headrace.usecase.history import KeyHistory, id_digest
from support.desk import Desk
from support.running import scoring
from support.use_case import by_place, deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

SEED = 7
EVENTS = 3_000
IN_TIME = {'within = "2s"': 'within = "3600s"'}
"""Half of the events wait for their process to start."""
DECIDED = ("ordinary", "out_of_order", "late")


@pytest.fixture(scope="module")
def case(stack, tmp_path_factory):
    name, folder = f"test-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("scoring")
    with deployed(name, folder, IN_TIME) as case:
        yield case


@pytest.fixture(scope="module")
def publications(case):
    """Every kind of record, more of the rare ones than there usually are."""
    declared = case.charter.events
    print(f"seed {SEED}")
    traffic = Traffic(
        SEED,
        EVENTS,
        case.encoder("events"),
        lateness_ms=declared.lateness_ms,
        duplicate_span_ms=declared.duplicate_span_ms,
        shares={kind: max(share, 0.005) for kind, share in SHARES.items()},
    )
    return list(traffic)


@pytest.fixture(scope="module")
def runs(case, publications):
    """Publish and process each half in a run of scoring of its own; returns what each has seen.

    For each half: the publications by place, and the metrics of the process that decided them.
    """
    seen = []
    for half in (publications[: EVENTS // 2], publications[EVENTS // 2 :]):
        places = case.publish((each.key, each.value) for each in half)
        small = {"HEADRACE_BATCH_RECORDS": 100, "HEADRACE_DEAD_LETTER_LIMIT": "false"}
        with scoring(case, **small) as service:
            service.until(case.is_done)
            service.until(lambda: service.metrics()["headrace_records_total"] == EVENTS // 2)
            seen.append((dict(zip(places, half, strict=True)), service.metrics()))
            assert service.stop() == 0
    return seen


@pytest.fixture(scope="module")
def published(runs):
    """What was published, by its place, each partition in its order."""
    return dict(sorted((runs[0][0] | runs[1][0]).items()))


@pytest.fixture(scope="module")
def decisions(case, runs):
    return by_place(case.records("decisions"))


@pytest.fixture(scope="module")
def audits(case, runs):
    return by_place(case.records("audits"))


@pytest.fixture(scope="module")
def letters(case, runs):
    return by_place(case.records("events.dlq"))


@pytest.fixture(scope="module")
def model(case):
    folder = case.settings.model_folder(case.name)
    trusted = load_trusted(case.settings.trusted_keys)
    return FrozenModel(read_artefact(folder, trusted, case.charter.feature_set.digest))


def of(published, *kinds):
    return {place: each for place, each in published.items() if each.kind in kinds}


def test_the_input_holds_every_kind_of_record(published):
    counts = Counter(each.kind for each in published.values())
    print(dict(counts))
    assert set(counts) == {*DECIDED, "duplicate", *REJECTED}


def test_every_record_is_decided_or_a_duplicate_or_a_dead_letter(
    published, decisions, audits, letters
):
    assert set(decisions) == set(of(published, *DECIDED))
    assert set(audits) == set(of(published, *DECIDED, "duplicate"))
    assert set(letters) == set(of(published, *REJECTED))


def test_features_are_those_of_an_uninterrupted_computation_across_the_restart(
    case, published, decisions
):
    declared, features = case.charter.events, case.charter.feature_set
    histories, records, measured = {}, [], []
    expected = of(published, *DECIDED)
    for (_, offset), publication in expected.items():
        record = case.decode(publication.value)
        history = histories.setdefault(
            publication.key, KeyHistory(case.charter.retention_ms, features.layout)
        )
        index, _, _ = history.add(
            record[declared.time],
            record[declared.amount],
            offset,
            id_digest(record["event_id"]),
            b"8 bytes.",
            features.tokens(record),
        )
        measured += features.windows.measure(history, index)
        records.append(record)
    matrix = features.matrix(records, measured)
    found = np.array([decisions[place]["features"] for place in expected])
    np.testing.assert_array_equal(found, matrix)


@pytest.fixture(scope="module")
def undisturbed(case, published, model):
    """What one process that never stops decides about the same events, by place."""
    topic = case.topic("events")
    desk = Desk(case.charter, model, topic, case.topics[topic].partitions)
    desk.now_ms = time.time_ns() // 1_000_000
    events = [
        Received(*place, each.key, each.value, case.decode(each.value), desk.now_ms)
        for place, each in of(published, *DECIDED).items()
    ]
    return by_place(desk.decisions(*events))


JUDGED = ("action", "rule_hits", "reasons", "reason_codes", "expected_cost_minor")
"""What unit tests hold to the charter."""


def test_every_field_of_a_decision_is_right(case, published, decisions, model, undisturbed):
    now_ms = max(each["decided_at_ms"] for each in decisions.values())
    for place, publication in of(published, *DECIDED).items():
        record, decision = case.decode(publication.value), decisions[place]
        scored = model.score(np.array([decision["features"]]))
        partition, offset = place
        assert now_ms - 120_000 < decision["decided_at_ms"] <= now_ms
        assert decision == {
            "decision_id": f"{case.name}.events:{partition}:{offset}",
            "event_id": record["event_id"],
            "use_case": case.name,
            "key": record["card_id"],
            "source_topic": f"{case.name}.events",
            "source_partition": partition,
            "source_offset": offset,
            "occurred_at_ms": record["occurred_at_ms"],
            "decided_at_ms": decision["decided_at_ms"],
            "amount_minor": record["amount_minor"],
            "currency": record["currency"],
            "charter_digest": sha256(case.path.read_bytes()).digest(),
            "feature_set": case.charter.feature_set.digest,
            "features": decision["features"],
            "model": "expert-scorecard",
            "model_version": "1",
            "model_digest": model.digest,
            "arm": "champion",
            "arm_probability": 1.0,
            "score": float(scored.scores[0]),
            "policy_version": "1",
            "late": publication.kind == "late",
            "contributions": scored.contributions[0].tolist(),
            "stage": "live",
            "acted": True,
            "deadline_missed": False,
            "fallback": "",
            "trace_id": decision["trace_id"],
            "profile_keys": [],
            **{name: undisturbed[place][name] for name in JUDGED},
        }


def test_all_three_actions_are_taken(decisions):
    assert {each["action"] for each in decisions.values()} == {"approve", "review", "decline"}


def test_an_audit_record_proves_input_and_decision_by_their_digests(case, published, audits, model):
    written = {
        case.decode(message.value())["decision_id"]: sha256(message.value()).digest()
        for message in case.messages("decisions")
    }
    for place, publication in of(published, *DECIDED).items():
        audit = audits[place]
        partition, offset = place
        assert audit == {
            "kind": "decision",
            "use_case": case.name,
            "service": "scoring",
            "event_id": case.decode(publication.value)["event_id"],
            "key": publication.key,
            "source_topic": f"{case.name}.events",
            "source_partition": partition,
            "source_offset": offset,
            "input_sha256": sha256(publication.value).digest(),
            "decision_id": f"{case.name}.events:{partition}:{offset}",
            "decision_sha256": written[f"{case.name}.events:{partition}:{offset}"],
            "first_offset": None,
            "model_digest": model.digest,
            "charter_digest": case.charter.digest,
            "policy_version": "1",
            "recorded_at_ms": audit["recorded_at_ms"],
        }


def test_a_duplicate_has_no_decision_but_an_audit_record_that_points_to_the_first(
    case, published, audits
):
    first = {}
    for place, publication in of(published, *DECIDED).items():
        first[case.decode(publication.value)["event_id"]] = place
    for place, publication in of(published, "duplicate").items():
        audit = audits[place]
        partition, offset = first[audit["event_id"]]
        assert audit["kind"] == "duplicate"
        assert (audit["first_offset"], audit["decision_sha256"]) == (offset, None)
        assert audit["decision_id"] == f"{case.name}.events:{partition}:{offset}"
        assert audit["input_sha256"] == sha256(publication.value).digest()


def test_a_dead_letter_holds_the_record_whole_and_the_reason(case, published, letters):
    for place, publication in of(published, *REJECTED).items():
        letter = letters[place]
        assert letter["reason"] == publication.kind
        assert letter["detail"]
        assert letter["service"] == "scoring"
        assert letter["source_topic"] == f"{case.name}.events"
        assert (letter["key"], letter["value"]) == (publication.key.encode(), publication.value)


def test_outputs_of_a_key_stand_in_the_order_of_its_inputs(case, runs):
    for plural in ("decisions", "audits"):
        latest = {}
        for message in case.messages(plural):
            record = case.decode(message.value())
            assert message.key() == record["key"].encode()
            place = (message.partition(), record["source_offset"])
            assert latest.get(record["key"], (place[0], -1)) < place
            latest[record["key"]] = place


def test_each_process_counts_what_it_has_done(runs):
    for published, metrics in runs:
        kinds = Counter(each.kind for each in published.values())
        assert metrics["headrace_duplicates_total"] == kinds["duplicate"]
        assert metrics["headrace_batch_records_sum"] == EVENTS // 2
        assert metrics['headrace_transactions_total{outcome="committed"}'] >= EVENTS // 2 / 100
        for reason in REJECTED:
            name = f'headrace_dead_letters_total{{reason="{reason}"}}'
            assert metrics.get(name, 0) == kinds[reason]


def test_verify_holds(case, runs):
    verified = case.headrace("verify", "--json")
    assert verified.returncode == 0, verified.stdout
