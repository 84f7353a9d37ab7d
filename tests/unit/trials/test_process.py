"""A program that runs beside this one."""

import sys
import time
from pathlib import Path

import pytest

from headrace.errors import HeadraceError
from headrace.trials.process import BesideProcess

WAITS = "import time; print('here', flush=True); time.sleep(60)"
FAILS = "raise SystemExit('no broker')"


def beside(code: str, folder: Path) -> BesideProcess:
    return BesideProcess("it", [sys.executable, "-c", code], {}, folder / "it.log")


def until_it_says(text: str, process: BesideProcess) -> None:
    end_s = time.monotonic() + 30
    while text not in process.log.read_text():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_it_runs_while_the_context_lasts(tmp_path: Path) -> None:
    with beside(WAITS, tmp_path) as process:
        until_it_says("here", process)
        process.require_alive()
        assert process.most_memory_mb() > 1
    with pytest.raises(HeadraceError, match="it has ended"):
        process.require_alive()


def test_the_end_of_its_log_says_why_it_ended(tmp_path: Path) -> None:
    with beside(FAILS, tmp_path) as process:
        until_it_says("no broker", process)
        with pytest.raises(HeadraceError, match="no broker"):
            require_alive_for(30, process)


def require_alive_for(seconds: float, process: BesideProcess) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        process.require_alive()
        time.sleep(0.01)


def test_what_was_never_started_can_be_stopped(tmp_path: Path) -> None:
    assert beside(WAITS, tmp_path).stop() == 0
