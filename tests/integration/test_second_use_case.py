"""Another kind of use case on the same services: a regression over shops' orders."""

import json
import random
import time
import uuid
from pathlib import Path

import pytest

from support.running import scoring
from support.use_case import by_place, deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

DEMAND = Path(__file__).parents[1] / "support/charters/demand.toml"
SEED = 11
ORDERS = 400
WEEK_MS = 7 * 86_400_000
SATURDAY = 5


@pytest.fixture(scope="module")
def case(stack, tmp_path_factory):
    name, folder = f"test-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("demand")
    with deployed(name, folder, original=DEMAND) as case:
        yield case


@pytest.fixture(scope="module")
def orders():
    """Orders of a few shops over the last weeks, in the order of their times; some are bulky."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    begin_ms = time.time_ns() // 1_000_000 - 4 * WEEK_MS
    times_ms = sorted(begin_ms + chance.randrange(4 * WEEK_MS) for _ in range(ORDERS))
    return [
        {
            "order_id": f"order-{number}",
            "shop_id": f"shop-{chance.randrange(9)}",
            "placed_at_ms": time_ms,
            "quantity": chance.choice((1, 7, 24, 60, 1_000, 2_500)),
            "value_minor": chance.randrange(1_000_000),
            "currency": "EUR",
        }
        for number, time_ms in enumerate(times_ms)
    ]


@pytest.fixture(scope="module")
def decided(case, orders):
    """Orders with their decisions."""
    encode = case.encoder("events")
    places = case.publish((order["shop_id"], encode(order)) for order in orders)
    with scoring(case) as service:
        service.until(case.is_done)
        assert service.stop() == 0
    decisions = by_place(case.records("decisions"))
    assert set(decisions) == set(places)
    return [(order, decisions[place]) for order, place in zip(orders, places, strict=True)]


def predicted(order, orders) -> float:
    """The charter's rule of thumb, computed again by hand."""
    now_ms = order["placed_at_ms"]
    recent = sum(
        each["shop_id"] == order["shop_id"] and now_ms - WEEK_MS < each["placed_at_ms"] <= now_ms
        for each in orders
    )
    weekend = time.gmtime(now_ms // 1_000).tm_wday >= SATURDAY
    return 20.0 + 0.5 * (order["quantity"] - 20) - 1.5 * (recent - 2) + 4 * weekend


def test_every_order_has_the_prediction_of_the_charters_model(decided, orders):
    for order, decision in decided:
        assert decision["score"] == pytest.approx(predicted(order, orders), abs=1e-9)
        assert decision["model"] == "rule-of-thumb"
        assert decision["fallback"] == ""


def test_the_charters_rule_decides_what_is_reviewed_and_says_why(decided):
    for order, decision in decided:
        bulky = order["quantity"] >= 1_000
        assert decision["action"] == ("review" if bulky else "approve")
        assert decision["rule_hits"] == (["bulk"] if bulky else [])
        said = [f"an order of {order['quantity']} pieces is no habit"] if bulky else []
        assert decision["reasons"][:1] == said


def test_in_shadow_nothing_may_act_on_a_decision(decided):
    assert {(decision["stage"], decision["acted"]) for _, decision in decided} == {
        ("shadow", False)
    }


def test_the_topics_verify(case, decided):
    done = case.headrace("verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_record_speaks_of_another_use_case(case, decided):
    records = [*case.records("decisions"), *case.records("audits")]
    text = json.dumps(records, default=repr)
    assert case.name in text
    for word in ("fraud", "card", "merchant"):
        assert word not in text
