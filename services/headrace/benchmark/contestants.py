"""Who takes part, and how each is set up.

What was tried for the settings, and why these are fair, is in docs/decisions/0009-the-benchmark.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

from headrace.benchmark import where
from headrace.benchmark.course import Course
from headrace.benchmark.sizes import Sizes
from headrace.chassis.settings import KafkaSettings
from headrace.trials.process import BesideProcess
from headrace.trials.service import ScoringProcess

Name = Literal["headrace", "quix", "faust", "echo"]
Aim = Literal["throughput", "latency"]
Settings = Mapping[str, Any]

_CONSUMER: Final[Settings] = {
    "fetch.queue.backoff.ms": 10,
    "queued.min.messages": 20_000,
    "queued.max.messages.kbytes": 32_768,
}
_ECHO: Final[Settings] = {
    "exactly_once": True,
    "batch_records": 1_000,
    "consumer": {**_CONSUMER, "fetch.wait.max.ms": 100, "isolation.level": "read_committed"},
    "producer": {
        "linger.ms": 0,
        "retry.backoff.ms": 1,
        "retry.backoff.max.ms": 100,
        "queue.buffering.max.messages": 200_000,
    },
}
_QUIX: Final[Settings] = {
    "commit_interval_s": 1.0,
    "commit_every": 0,
    "poll_timeout_s": 1.0,
    "consumer": {**_CONSUMER},
    "producer": {"queue.buffering.max.messages": 500_000},
    "rocksdb": {},
}
TUNING: Final[Mapping[tuple[Name, Aim], Settings]] = {
    ("headrace", "throughput"): {},
    ("headrace", "latency"): {},
    ("quix", "throughput"): _QUIX,
    ("quix", "latency"): {**_QUIX, "commit_interval_s": 0.01, "poll_timeout_s": 0.01},
    ("faust", "throughput"): {
        "producer_linger_ms": 100,
        "producer_max_batch_size": 131_072,
        "broker_commit_interval": 1.0,
    },
    ("echo", "throughput"): {**_ECHO, "wait_s": 1.0},
    ("echo", "latency"): {**_ECHO, "wait_s": 0.0},
}


@dataclass(frozen=True)
class Program:
    """A peer's program: its file below ``bench/peers``, and the environment that it runs in."""

    file: str
    environment: str


PROGRAMS: Final[Mapping[Name, Program]] = {
    "quix": Program("quix/scoring.py", "quix"),
    "faust": Program("faust/scoring.py", "faust"),
    "echo": Program("plain/echo.py", "plain"),
}


def contestant(
    name: Name, course: Course, tuning: Settings, python: Path | None, sizes: Sizes
) -> BesideProcess:
    """Return a contestant's process, to be started.

    Parameters
    ----------
    tuning
        Settings of its own; headrace's are environment variables.
    python
        Of the peer's environment; headrace has none.
    sizes
        What the echo writes.
    """
    if python is None:
        environment = {"HEADRACE_INSTANCE": "bench", **tuning}
        return ScoringProcess(course.path, environment, course.beside(".log"))
    if name == "echo":
        tuning = {**tuning, "sizes": sizes.as_json()}
    return _program(PROGRAMS[name].file, course, python, tuning)


def plain(course: Course, python: Path, *, exactly_once: bool) -> BesideProcess:
    """Return the job on plain confluent-kafka, to see what exactly once costs."""
    tuning = {**_ECHO, "exactly_once": exactly_once, "wait_s": 0.0}
    return _program("plain/scoring.py", course, python, tuning)


def _program(file: str, course: Course, python: Path, tuning: Settings) -> BesideProcess:
    model = sha256(f"the model of {file}".encode()).digest()
    told = course.tell(KafkaSettings().bootstrap_servers, tuning, model)
    environment = {
        "PYTHONPATH": str(where.programs()),  # the job that all of them do
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [python, where.programs() / file, told]
    return BesideProcess(file, command, environment, course.beside(".log"))
