"""A small world for backtests: some merchants go bad, and their labels come a week late."""

import random
from pathlib import Path
from typing import Any

import pytest

from headrace.backtesting.replay import Batch, Event, Replay
from headrace.contracts.location import shipped
from headrace.contracts.schemas import field_names
from headrace.labelling.domain import Label
from headrace.usecase.charter import Charter

FDH_CHARTER = shipped("deploy") / "charters/card-fraud-fdh.toml"
START_MS = 1_522_540_800_000  # 2018-04-01
DAY_MS = 86_400_000


def recorded(number: int, seed: int = 1, days: int = 40) -> list[Event]:
    """Payments over some days; those at a bad merchant are fraud."""
    rnd = random.Random(seed)
    times_ms = sorted(START_MS + rnd.randrange(days * DAY_MS) for _ in range(number))
    events = []
    for row, time_ms in enumerate(times_ms):
        merchant = rnd.randrange(8)
        is_positive = merchant < 2 and rnd.random() < 0.8
        record = {
            "event_id": f"event-{row}",
            "card_id": f"card-{rnd.randrange(30)}",
            "merchant_id": f"merchant-{merchant}",
            "amount_minor": rnd.randrange(100, 20_000),
            "currency": "EUR",
            "occurred_at_ms": time_ms,
            "distance_km": None,
        }
        events.append(event_of(record, is_positive))
    return events


def event_of(record: dict[str, Any], is_positive: bool) -> Event:
    """An event of which a chargeback tells a week later, where it was positive."""
    told = Label("chargeback", True, record["occurred_at_ms"] + 7 * DAY_MS, 1)
    return Event(record, (told,) if is_positive else (), is_positive)


def decided(charter: Charter, events: list[Event]) -> list[Batch]:
    """All batches of a backtest."""
    replay = Replay(charter)
    return [replay.decide(batch) for batch in replay.batches(events)]


@pytest.fixture
def small(tmp_path: Path) -> Charter:
    """The handbook's charter with models that are made more often, of fewer trees."""
    text = FDH_CHARTER.read_text()
    for old, new in (
        ("freeze_every = 5_000", "freeze_every = 300"),
        ("trees = 10", "trees = 2"),
        ("negatives_share = 0.2", "negatives_share = 0.5"),
        ("learning_rate = 0.002", "learning_rate = 0.02"),
    ):
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "charter.toml"
    path.write_text(text)
    return Charter.load(path, field_names)
