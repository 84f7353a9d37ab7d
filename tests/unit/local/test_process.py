import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.errors import HeadraceError
from headrace.local.process import DetachedProcess

PORT = 4711
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
IGNORES_SIGTERM = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[DetachedProcess]:
    process = DetachedProcess("Thing", tmp_path / "thing" / "run", tmp_path / "logs" / "thing.log")
    yield process
    process.kill()


def _said(process: DetachedProcess, line: str) -> bool:
    return line in process.log.read_text().splitlines()


def test_a_started_process_is_found_by_whoever_knows_its_run_file(
    process: DetachedProcess, tmp_path: Path
) -> None:
    process.start(SLEEP, PORT)
    running = DetachedProcess("Thing", tmp_path / "thing" / "run", process.log).running()
    assert running
    assert running.port == PORT
    os.kill(running.pid, 0)
    assert abs(running.since.timestamp() - time.time()) < 60


def test_it_is_in_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it(
    process: DetachedProcess,
) -> None:
    process.start(SLEEP, PORT)
    running = process.running()
    assert running
    assert os.getsid(running.pid) != os.getsid(0)


def test_it_does_not_get_the_callers_environment(
    process: DetachedProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_OPTS", "-Dsurprise")
    code = "import os, time; print('KAFKA_OPTS' in os.environ, flush=True); time.sleep(600)"
    process.start([sys.executable, "-c", code], PORT)
    process.wait_ready(lambda: process.log.read_text() != "", timeout_s=30)
    assert _said(process, "False")


def test_arguments_reach_it_unchanged_by_any_shell(process: DetachedProcess) -> None:
    strange = "a b $HOME `id` 'q' \"d\" é"
    code = "import sys, time; print(sys.argv[1], flush=True); time.sleep(600)"
    process.start([sys.executable, "-c", code, strange], PORT)
    process.wait_ready(lambda: _said(process, strange), timeout_s=30)


def test_what_runs_cannot_be_started_again(process: DetachedProcess) -> None:
    process.start(SLEEP, PORT)
    with pytest.raises(RuntimeError, match="Thing is running"):
        process.start(SLEEP, PORT)


def test_nothing_runs_before_the_first_start(process: DetachedProcess) -> None:
    assert process.running() is None


def test_a_pid_that_a_dead_process_left_is_not_believed(
    process: DetachedProcess, tmp_path: Path
) -> None:
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing" / "run").write_text(f"{os.getpid()} {PORT}\n")
    assert process.running() is None
    process.kill()  # would end this test run


def test_killed_from_outside_it_is_not_running(process: DetachedProcess) -> None:
    process.start(SLEEP, PORT)
    running = process.running()
    assert running
    os.kill(running.pid, 9)
    with pytest.raises(HeadraceError, match="ended before it was ready"):
        process.wait_ready(lambda: False, timeout_s=30)
    assert process.running() is None


def test_stop_ends_it_gently(process: DetachedProcess) -> None:
    process.start(SLEEP, PORT)
    assert process.stop(timeout_s=30)
    assert process.running() is None


def test_stop_kills_what_does_not_listen(process: DetachedProcess) -> None:
    process.start([sys.executable, "-c", IGNORES_SIGTERM], PORT)
    process.wait_ready(lambda: _said(process, "deaf"), timeout_s=30)
    assert not process.stop(timeout_s=0.2)
    assert process.running() is None


def test_to_stop_what_does_not_run_is_no_error(process: DetachedProcess) -> None:
    assert process.stop()


def test_one_that_ends_too_early_is_an_error_with_the_last_lines_of_its_log(
    process: DetachedProcess,
) -> None:
    process.start([sys.executable, "-c", "print('the reason'); raise SystemExit(1)"], PORT)
    with pytest.raises(HeadraceError, match=f"{re.escape(str(process.log))}:\n  the reason"):
        process.wait_ready(lambda: False, timeout_s=30)


def test_one_whose_port_another_answers_on_is_not_taken_for_ready(
    process: DetachedProcess,
) -> None:
    process.start([sys.executable, "-c", ""], PORT)
    while process.running():
        time.sleep(0.01)
    with pytest.raises(HeadraceError, match="ended before it was ready"):
        process.wait_ready(lambda: True, timeout_s=30)


def test_one_that_is_never_ready_is_an_error(process: DetachedProcess) -> None:
    process.start(SLEEP, PORT)
    with pytest.raises(HeadraceError, match="was not ready after 0 s"):
        process.wait_ready(lambda: False, timeout_s=0.1)


def test_the_log_of_the_start_before_is_kept(process: DetachedProcess) -> None:
    for word in ("first", "second"):
        code = f"import time; print('{word}', flush=True); time.sleep(600)"
        process.start([sys.executable, "-c", code], PORT)
        process.wait_ready(lambda word=word: _said(process, word), timeout_s=30)
        process.stop()
    assert process.log.with_suffix(".previous.log").read_text() == "first\n"
