"""``headrace models compare``: what is shown of evaluations."""

import re
from xml.etree import ElementTree as ET

import pytest

from headrace.commands.comparison_lines import described, print_comparisons
from headrace.commands.comparison_picture import picture
from headrace.commands.console import results
from headrace.evaluating.comparison import Latest, compared
from headrace.evaluating.evaluator import ALL, SERVED
from headrace.usecase.charter import Charter
from support.use_case import SHIPPED
from unit.evaluating.test_comparison import evaluation

MODELS = ("forest", SERVED)
CHARTER = Charter.load(SHIPPED)


def latest(days: int = 20, final: int = 5) -> Latest:
    """Windows of which the first few are final."""
    found = Latest()
    for day in range(days):
        for model in MODELS:
            money = {"currency": "EUR", "saved_minor": 1_050} if model == SERVED else {}
            measures = {"average_precision": day / days, "roc_auc": 0.75, "final": day < final}
            found.take(evaluation(model, 20_000 + day, **measures, **money))
    return found


def comparisons(windows: Latest) -> list:
    found = (
        compared(windows.windows(ALL, final=final), MODELS, ALL, final=final)
        for final in (False, True)
    )
    return [each for each in found if each.models]


def printed(windows: Latest) -> str:
    with results.capture() as captured:
        print_comparisons(CHARTER, ALL, comparisons(windows))
    return captured.get()


def test_both_clocks_stand_side_by_side_and_what_the_numbers_are_of_is_said() -> None:
    text = printed(latest())
    assert re.search(r"model +. known by 1970-01-21 +. final", text)
    assert re.search(r"windows +. +. 20 +. 5 ", text)
    assert re.search(r"average precision +. forest +. 0\.4750 +. 0\.1000", text)
    assert re.search(r"saved +. served +. 210\.00 EUR +. 52\.50 EUR", text)
    assert "weighted by known outcomes" in text
    assert "from 2024-10-04 to 2024-10-23" in text
    assert "The final numbers are of fewer windows." in text


def test_while_nothing_is_final_it_is_said_how_long_that_takes() -> None:
    assert "None of them is final: that takes 181 days" in printed(latest(final=0))


def test_one_window_is_no_mean() -> None:
    text = printed(latest(days=1, final=0))
    assert "Of the window of 2024-10-04." in text
    assert "weighted" not in text


def test_as_json_the_numbers_stand_with_their_model() -> None:
    known, final = map(described, comparisons(latest()))
    assert (known["clock"], final["clock"]) == ("known", "final")
    assert known["models"][1]["model"] == SERVED
    assert known["models"][1]["average_precision"] == pytest.approx(0.475)
    assert known["models"][1]["saved_minor"] == 20 * 1_050


def test_each_model_is_a_line_over_time_in_each_chart() -> None:
    svg = picture(latest(), MODELS, lambda _: True)
    ET.fromstring(svg)  # noqa: S314 -- our own
    lines = re.findall(r'<polyline points="([^"]+)"', svg)
    assert [len(each.split()) for each in lines] == [20, 20, 5, 5, 20, 20]
    assert lines[0].startswith("60.0,")
    assert lines[0].split()[-1].startswith("660.0,")


def test_without_final_windows_their_chart_says_that_there_is_nothing_yet() -> None:
    drawn = ET.fromstring(picture(latest(final=0), MODELS, lambda _: True))  # noqa: S314 -- our own
    assert [*drawn.itertext()].count("nothing to show yet") == 1
