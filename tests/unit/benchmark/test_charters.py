"""Charters with other windows."""

from pathlib import Path

from headrace.benchmark.charters import with_forests, with_windows
from headrace.benchmark.where import charter
from headrace.contracts.schemas import field_names
from headrace.usecase.charter import Charter


def test_the_bench_charter_is_right() -> None:
    loaded = Charter.load(charter(), field_names)
    assert not loaded.rules
    assert loaded.review_capacity is None


def test_other_windows_make_another_valid_charter(tmp_path: Path) -> None:
    path = tmp_path / "charter.toml"
    path.write_text(with_windows(charter().read_text("utf-8"), [24, 48]))
    loaded = Charter.load(path, field_names)
    assert loaded.feature_set.names == (
        "amount_minor",
        "card_count_24h",
        "card_mean_24h",
        "card_count_48h",
        "card_mean_48h",
    )


def test_a_forest_can_be_declared_beside_the_scorecard(tmp_path: Path) -> None:
    path = tmp_path / "charter.toml"
    path.write_text(with_forests(charter().read_text("utf-8"), 2_000))
    loaded = Charter.load(path, field_names)
    assert loaded.learning is not None
    assert loaded.learning.champion == "forest"
    assert loaded.learning.freeze_every == 2_000
