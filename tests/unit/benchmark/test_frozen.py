"""Frozen models beside River: every model is measured."""

from headrace.benchmark import frozen


def test_every_model_is_measured_both_ways(monkeypatch) -> None:
    monkeypatch.setattr(frozen, "_OUTCOMES", 200)
    monkeypatch.setattr(frozen, "_TURNS", 1)
    found = frozen.measure(seed=1)
    assert [each.model for each in found] == list(frozen.MODELS)
    assert all(each.river_us > 0 and each.frozen_us > 0 for each in found)
