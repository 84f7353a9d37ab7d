"""The live view, drawn without a broker."""

import io
from collections import Counter

import pytest
from rich.console import Console

from headrace.demo.display import Arrived, PlainLines, Progress
from headrace.demo.live import LiveView, Rates, picture
from headrace.demo.outcomes import Outcomes


@pytest.fixture
def arrived():
    outcomes = Outcomes()
    outcomes.actions.update(approve=980, review=15, decline=5)
    outcomes.money.decided["EUR"] = 1_234_500
    outcomes.money.cost_of_approving["EUR"] = 99_000
    outcomes.money.cost["EUR"] = 900
    for count in range(3):
        outcomes.reasons[f"code-{count}"] = count + 1
        outcomes.words[f"code-{count}"] = "it is far from home " * 9
    letters = Counter(null_value=9, undecodable=8, future=7, too_large=6, bad_framing=5)
    return Arrived(1_000, outcomes, letters, (12.3, 45.6))


def drawn(arrived, width):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(picture(Progress(20_000, 1_040, 1_035, 3), arrived, (1_000.0, 990.0)))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits_the_terminal_and_says_everything(arrived, width):
    lines = drawn(arrived, width).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) < 24
    text = "\n".join(lines)
    for said in (
        "1,040 of 20,000   1,000 per s",
        "1,000   990 per s",
        "p50 12 ms   p99 46 ms",
        "12,345.00 EUR",
        "of approving all  990.00 EUR",
        "98.00%",
        "35: null_value 9",
        "it is far from home",
    ):
        assert said in text


def test_before_the_first_decision_there_is_no_latency():
    assert "latency" not in drawn(Arrived(0, Outcomes(), Counter(), None), 80)


def test_rates_are_of_the_last_seconds():
    rates = Rates()
    assert rates.per_s(0.0, (0,)) == [0.0]
    assert rates.per_s(1.0, (500,)) == [500.0]
    assert rates.per_s(10.0, (5_000,)) == pytest.approx([500.0])
    assert rates.per_s(11.0, (7_000,)) == pytest.approx([2_000.0])


def test_it_is_drawn_four_times_a_second_at_most_and_gone_at_the_end(arrived):
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    asked = []
    with LiveView(console) as view:
        for _ in range(50):
            view.show(Progress(1, 1, 1, 0), lambda: asked.append(1) or arrived)
    assert len(asked) <= 2
    assert console.file.getvalue().rstrip().endswith("\x1b[2K")


def test_without_colours_there_are_none(arrived, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    console.print(picture(Progress(1, 1, 1, 0), arrived, (0.0, 0.0)))
    assert "\x1b[3" not in console.file.getvalue()


def test_plain_lines_come_once_a_second_at_most(arrived):
    said = []
    lines = PlainLines(said.append)
    for processed in range(5):
        lines.show(Progress(20_000, 1_040, 1_000 + processed, 0), None)
    assert said == ["  published 1,040 of 20,000, processed 1,000"]
