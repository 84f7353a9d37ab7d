"""The picture: every line within its chart, over all of it."""

import re
from xml.etree import ElementTree as ET

import numpy as np

from headrace.backtesting.picture import picture
from headrace.backtesting.record import Kept, Record
from headrace.backtesting.replay import SERVED
from unit.backtesting.conftest import DAY_MS, START_MS

LEFT, RIGHT = 60, 660


def record(n: int = 400, days: int = 20) -> Record:
    rng = np.random.default_rng(1)
    positive = rng.random(n) < 0.2
    times_ms = START_MS + np.sort(rng.integers(0, days * DAY_MS, n))
    scores = {name: rng.random(n) + positive for name in (SERVED, "logistic")}
    return Record(
        [str(row) for row in range(n)],
        times_ms,
        ["card"] * n,
        positive,
        np.ones(n, np.bool_),
        scores,
        times_ms,
        Kept(np.zeros(0, np.intp), np.zeros((0, 1))),
        0,
        {},
        b"",
    )


def lines(svg: str) -> list[np.ndarray]:
    ET.fromstring(svg)  # noqa: S314 -- our own
    points = re.findall(r'<polyline points="([^"]+)"', svg)
    return [np.array([p.split(",") for p in each.split()], float) for each in points]


def test_each_model_has_a_line_in_each_chart_from_one_side_to_the_other() -> None:
    found = lines(picture(record(), np.arange(400)))
    assert len(found) == 4
    for line in found:
        assert line[:, 0].min() >= LEFT
        assert line[:, 0].max() <= RIGHT
        assert np.ptp(line[:, 0]) > 0.9 * (RIGHT - LEFT)


def test_the_steep_part_of_a_curve_is_drawn_too() -> None:
    (curve, *_) = lines(picture(record(), np.arange(400)))
    assert np.abs(np.diff(curve[:, 0])).max() < 0.1 * (RIGHT - LEFT)


def test_without_anything_to_measure_there_is_a_picture_all_the_same() -> None:
    assert len(lines(picture(record(), np.zeros(0, np.intp)))) == 2
    nothing = record(0)
    assert all(line.size == 0 for line in lines(picture(nothing, np.zeros(0, np.intp))))
