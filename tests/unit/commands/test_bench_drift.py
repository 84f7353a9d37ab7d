"""``headrace bench-drift``, as small as it can be: it runs, counts, and its outputs agree."""

import contextlib
import io
import json
import xml.etree.ElementTree as ET

import pytest

from headrace.benchmark.drifts.watched import DRIFTS
from headrace.cli import app
from headrace.errors import HeadraceError

SMALL = {
    "--seeds": 1, "--seed": 3, "--events": 4_000, "--days": 60, "--outcomes": 500, "--processes": 1
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """What the command said at the end, what it printed, and its home."""
    home, out = tmp_path_factory.mktemp("home"), io.StringIO()
    arguments = [str(part) for each in SMALL.items() for part in each]
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setenv("HEADRACE_HOME", str(home))
        with pytest.raises(HeadraceError) as failed:
            app(["bench-drift", "--json", *arguments])
    return str(failed.value), json.loads(out.getvalue()), home


def test_so_small_a_bench_proves_nothing_and_fails(ran) -> None:
    words, told, _ = ran
    missed = [bar["name"] for bar in told["bars"] if not bar["is_met"]]
    assert missed
    assert all(name in words for name in missed)


def test_what_is_printed_is_what_is_kept_and_a_picture_is_beside_it(ran) -> None:
    _, told, home = ran
    (kept,) = home.rglob("drift-*.json")
    assert json.loads(kept.read_text()) == told
    assert ET.parse(kept.with_suffix(".svg")).getroot().tag.endswith("svg")  # noqa: S314


def test_each_kind_of_world_is_watched_and_all_its_events_are_counted(ran) -> None:
    _, told, _ = ran
    worlds = {world["drift"]: world for world in told["worlds"]}
    assert set(worlds) == {None, *DRIFTS}
    assert worlds[None]["events"] == worlds[None]["quiet_events"] == SMALL["--events"]
    assert 0 < worlds["concept"]["quiet_events"] < SMALL["--events"]
    assert worlds[None]["outcomes"] > 0
    assert told["false_alarms"]["events"] == SMALL["--events"]
    assert told["false_alarms"]["signals"] == len(worlds[None]["signals"])


def test_every_stream_is_followed_at_both_paces_and_delays_lie_within_it(ran) -> None:
    _, told, _ = ran
    streams = told["streams"]
    assert len({(each["stream"], each["pace"]) for each in streams}) == len(streams) == 12
    assert all(each["wrong_before"] < each["wrong_after"] for each in streams)
    for each in streams:
        assert each["outcomes"] is None or each["positives"] <= each["outcomes"] <= 500


def test_every_detector_is_tried_on_the_same_values(ran) -> None:
    _, told, _ = ran
    of = [each["of"] for each in told["detectors"]]
    assert all(of.count(each) == 3 for each in of)
