"""The rules for Prometheus go by what the services export, and say what to do."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from headrace.chassis.metrics import _LABELS, Metrics
from headrace.commands.service import _HEALTH_PORTS, Service
from headrace.contracts.location import shipped
from headrace.contracts.records import Severity
from support.promtool import NoPromtool, promtool

ROOT = Path(__file__).parents[2]
FOLDER = shipped("deploy") / "prometheus"
TEXT = (FOLDER / "rules/headrace.yml").read_text("utf-8")
TESTS = (FOLDER / "rules/headrace_test.yml").read_text("utf-8")
SCRAPED = (FOLDER / "prometheus.yml").read_text("utf-8")
RULES = dict(re.findall(r"- alert: (\w+)\n(.*?)(?=\n\n|\Z)", TEXT, re.DOTALL))
INDEX = (ROOT / "docs/runbooks/README.md").read_text("utf-8")
ASKED = sorted(set(re.findall(r"(?<!:)\bheadrace_\w+", TEXT)))
SELECTED = sorted(set(re.findall(r"(headrace_\w+)\{([^}]*)\}", TEXT)))
METADATA = re.findall(
    r"^# TYPE (\S+) (\S+)$", Metrics("scoring").exposition().decode(), re.MULTILINE
)
EXPORTED = {name for name, kind in METADATA if kind in ("counter", "gauge")}


@pytest.fixture(scope="session")
def checked(request):
    """Return what runs promtool in the folder of the rules."""
    try:
        program = promtool(request.config.cache.mkdir("promtool"))
    except NoPromtool as error:
        pytest.skip(f"{error}; on Debian: apt-get update && apt-get install prometheus")

    def run(*arguments):
        done = subprocess.run(
            [program, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def test_promtool_accepts_the_rules(checked):
    checked("check", "rules", "rules/headrace.yml")


def test_promtool_accepts_the_example_of_a_configuration(checked):
    checked("check", "config", "prometheus.yml")


def test_each_alert_fires_when_it_should_and_not_otherwise(checked):
    checked("test", "rules", "rules/headrace_test.yml")


@pytest.mark.parametrize("metric", ASKED)
def test_a_metric_that_a_rule_asks_for_is_exported(metric):
    assert metric in EXPORTED


@pytest.mark.parametrize(("metric", "selector"), SELECTED)
def test_a_label_that_a_rule_selects_by_is_the_metrics_own_or_the_scraped_targets(metric, selector):
    own = _LABELS.get(metric.removeprefix("headrace_").removesuffix("_total"), ())
    assert set(re.findall(r"(\w+)!?=", selector)) <= {"job", "service", *own}


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_says_how_urgent_it_is_what_has_happened_and_what_to_do(alert):
    rule = RULES[alert]
    assert re.search(r"severity: (\w+)", rule)[1] in get_args(Severity)
    for annotation in ("summary", "description"):
        assert re.search(rf'^          {annotation}: ".+"$', rule, re.MULTILINE)
    page = re.search(r"runbook_url: (docs/runbooks/\S+\.md)$", rule, re.MULTILINE)[1]
    text = (ROOT / page).read_text("utf-8")
    assert f"`{alert}`" in text
    for heading in ("## What it means", "## What to look at", "## What to do"):
        assert heading in text
    assert f"`{alert}`" in INDEX
    assert f"({Path(page).name})" in INDEX


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_is_tested_firing_and_not_firing(alert):
    cases = re.findall(rf"alertname: {alert}\n        exp_alerts:(.*)$", TESTS, re.MULTILINE)
    assert {bool(each) for each in cases} == {True, False}  # [] stands on the line itself


@pytest.mark.parametrize("service", get_args(Service))
def test_the_example_scrapes_each_service_where_it_listens(service):
    target = rf'"127\.0\.0\.1:{_HEALTH_PORTS[service]}"\]\n        labels: .*service: {service}\}}'
    assert re.search(target, SCRAPED)


def test_the_objective_for_deadlines_is_the_charters():
    charter = tomllib.loads((shipped("deploy") / "charters/card-fraud.toml").read_text("utf-8"))
    target = next(each["target"] for each in charter["kpis"] if each["name"] == "in_time_share")
    assert set(re.findall(r"\(1 - ([\d.]+)\)", TEXT)) == {str(target)}
