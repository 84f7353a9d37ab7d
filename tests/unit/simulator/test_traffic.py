"""Simulated traffic is reproducible to the byte, and each kind is what its name says."""

import random
from collections import Counter
from hashlib import sha256

import numpy as np
import pytest

from headrace.contracts.codec import Decoder, Encoder, Undecodable
from headrace.contracts.location import shipped
from headrace.contracts.schemas import load_schema
from headrace.simulator.kinds import KINDS, REJECTED
from headrace.simulator.traffic import SHARES, Traffic
from headrace.usecase.charter import Charter

SCHEMA = load_schema("card-fraud/Transaction")
SCHEMA_ID = 7
CHARTER = Charter.load(shipped("deploy") / "charters" / "card-fraud.toml")
LATENESS_MS = CHARTER.events.lateness_ms
SPAN_MS = CHARTER.events.duplicate_span_ms
NOW_MS = 1_772_323_200_000  # 2026-03-01, two weeks after the last simulated event
EVENTS = 20_000


def traffic(seed, events=EVENTS, schema_id=SCHEMA_ID, shares=SHARES):
    encode = Encoder(SCHEMA, schema_id)
    return Traffic(
        seed, events, encode, lateness_ms=LATENESS_MS, duplicate_span_ms=SPAN_MS, shares=shares
    )


def digest(publications):
    whole = sha256()
    for publication in publications:
        whole.update(repr(tuple(publication)).encode())
    return whole.hexdigest()


def writer(schema_id):
    return {SCHEMA_ID: SCHEMA}[schema_id]


decode = Decoder(SCHEMA, writer, 1_048_576)


@pytest.fixture(scope="module")
def published():
    return list(traffic(3))


def of_kind(published, kind):
    return [publication for publication in published if publication.kind == kind]


def decoded(published, kind):
    return [decode(publication.value) for publication in of_kind(published, kind)]


def with_what_came_before(published):
    """Yield each record of an accepted kind with its card's newest time before it."""
    newest_ms = {}
    for publication in published:
        if publication.kind in ("ordinary", "out_of_order", "late"):
            record = decode(publication.value)
            yield publication.kind, record["occurred_at_ms"], newest_ms.get(publication.key)
            newest_ms[publication.key] = max(
                record["occurred_at_ms"], newest_ms.get(publication.key, 0)
            )


def test_equal_seeds_give_equal_bytes(published):
    random.seed(99)
    np.random.seed(99)
    assert digest(traffic(3)) == digest(published)


def test_another_seed_gives_other_bytes(published):
    assert digest(traffic(4)) != digest(published)


def test_another_schema_id_changes_the_framing_and_nothing_else(published):
    other = of_kind(traffic(3, schema_id=8), "ordinary")
    assert [p.value[5:] for p in other] == [p.value[5:] for p in of_kind(published, "ordinary")]


@pytest.mark.parametrize("events", [1, 2, 500])
def test_exactly_as_many_records_as_asked_for(events):
    assert len(list(traffic(3, events))) == events


def test_two_runs_never_share_a_card_or_an_event(published):
    ids = {record["event_id"] for record in decoded(published, "ordinary")}
    for other in (traffic(4, 500), traffic(3, 500)):
        others = list(other)
        assert not {p.key for p in others} & {p.key for p in published}
        assert not {record["event_id"] for record in decoded(others, "ordinary")} & ids


def test_the_share_of_each_kind_is_near_the_declared_one(published):
    counts = Counter(publication.kind for publication in published)
    assert set(counts) == set(KINDS)
    for kind, share in SHARES.items():
        deviation = (EVENTS * share) ** 0.5
        assert counts[kind] == pytest.approx(EVENTS * share, abs=5 * deviation), kind


def test_shares_can_be_chosen():
    counts = Counter(publication.kind for publication in traffic(3, 2_000, shares={"late": 0.5}))
    assert set(counts) == {"ordinary", "late"}
    assert counts["late"] == pytest.approx(1_000, abs=150)


def test_ordinary_records_of_a_card_are_in_time_order(published):
    for kind, at_ms, newest_ms in with_what_came_before(published):
        if kind == "ordinary" and newest_ms is not None:
            assert at_ms >= newest_ms


def test_out_of_order_records_are_behind_by_less_than_the_allowed_lateness(published):
    behind_ms = [n - t for kind, t, n in with_what_came_before(published) if kind == "out_of_order"]
    assert all(0 < behind < LATENESS_MS for behind in behind_ms)


def test_late_records_are_behind_by_more_than_the_allowed_lateness(published):
    behind_ms = [n - t for kind, t, n in with_what_came_before(published) if kind == "late"]
    assert all(behind > LATENESS_MS for behind in behind_ms)


def test_a_duplicate_is_the_same_bytes_soon_or_much_later(published):
    distances, seen = [], {}
    for number, publication in enumerate(published):
        if publication.kind == "duplicate":
            distances.append(number - seen[publication.key, publication.value])
        else:
            seen[publication.key, publication.value] = number
    assert min(distances) < 10
    assert max(distances) > 500


def test_a_conflict_is_the_same_id_and_card_with_another_payload(published):
    first = {record["event_id"]: record for record in decoded(published, "ordinary")}
    for publication in of_kind(published, "id_conflict"):
        record = decode(publication.value)
        original = first[record["event_id"]]
        assert publication.key == original["card_id"] == record["card_id"]
        assert record != original


@pytest.mark.parametrize(
    "kind", ["null_value", "bad_framing", "unknown_schema", "undecodable", "trailing_bytes"]
)
def test_broken_bytes_are_refused_for_the_reason_that_the_kind_names(published, kind):
    for publication in of_kind(published, kind):
        with pytest.raises(Undecodable) as refused:
            decode(publication.value)
        assert refused.value.reason == kind


def test_broken_bytes_come_in_several_ways(published):
    details = set()
    for publication in of_kind(published, "undecodable"):
        with pytest.raises(Undecodable) as refused:
            decode(publication.value)
        details.add(refused.value.detail.split(":")[0])
    assert len(details) > 1


@pytest.mark.parametrize("kind", ["invalid_value", "future"])
def test_impossible_content_fails_the_shipped_charters_checks_for_its_reason(published, kind):
    faults = {(CHARTER.checks(record, NOW_MS) or ("",))[0] for record in decoded(published, kind)}
    assert faults == {kind}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in REJECTED])
def test_everything_else_passes_the_shipped_charters_checks(published, kind):
    assert all(CHARTER.checks(record, NOW_MS) is None for record in decoded(published, kind))


def test_impossible_values_are_of_every_sort(published):
    records = decoded(published, "invalid_value")
    distances = {str(record["distance_km"]) for record in records}
    assert {"nan", "inf", "-inf"} <= distances
    assert any(record["amount_minor"] < 0 for record in records)
    assert any(record["amount_minor"] >= 10**15 for record in records)


def test_future_records_are_decades_ahead_of_any_clock(published):
    year_2100_ms = 4_102_444_800_000
    assert all(r["occurred_at_ms"] >= year_2100_ms for r in decoded(published, "future"))


def test_a_mismatched_key_is_not_the_card(published):
    for publication in of_kind(published, "key_mismatch"):
        assert publication.key != decode(publication.value)["card_id"]


def test_accepted_records_have_their_card_as_key_and_lie_in_early_2026(published):
    for kind in ("ordinary", "out_of_order", "late", "duplicate"):
        for publication in of_kind(published, kind):
            record = decode(publication.value)
            assert publication.key == record["card_id"]
            assert 1_766_000_000_000 < record["occurred_at_ms"] < 1_772_000_000_000


def test_what_is_rejected_carries_a_dead_letter_reason_as_its_kind():
    assert set(KINDS) - REJECTED == {"ordinary", "out_of_order", "late", "duplicate"}
