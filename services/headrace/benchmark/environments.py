"""The peers' own environments: pinned, hashed, and built once."""

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from headrace.benchmark.where import home, programs
from headrace.errors import HeadraceError
from headrace.trials.surroundings import Say

_TIMEOUT_S = 600.0
_LAST_CHARS = 2_000


def environment(name: str, say: Say) -> Path:
    """Return the Python of a peer's environment; build it where it is not there yet.

    Raises
    ------
    HeadraceError
        It cannot be built, with what pip said.
    """
    lock = programs() / name / "requirements.lock"
    digest = sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = home() / "environments" / f"{name}-{digest}"
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if ready.exists():
        return python
    say(f"Building the environment of {name} (once) ...")
    shutil.rmtree(folder, ignore_errors=True)
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--quiet",
    ]
    _run(name, [sys.executable, "-m", "venv", folder])
    _run(name, [*pip, "--require-hashes", "-r", lock])
    ready.touch()
    return python


def _run(name: str, command: list[str | Path]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise HeadraceError(
            f"The environment of {name} was not built within {_TIMEOUT_S:.0f} s."
        ) from error
    if done.returncode != 0:
        raise HeadraceError(
            f"The environment of {name} cannot be built:\n{done.stderr[-_LAST_CHARS:]}",
            fix="Is the package registry reachable? Nothing else is affected; run it again.",
        )
