"""Fetches the locked programs once, and keeps only what has the locked SHA-256."""

import contextlib
import logging
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.errors import HeadraceError
from headrace.local.artifacts import Artifact

if TYPE_CHECKING:
    from jgo.maven import Artifact as MavenArtifact
    from jgo.maven import MavenContext

Received = Callable[[int], None]
"""Told of every number of bytes that arrived."""

_THREADS = 8
_ATTEMPTS = 3
_TIMEOUT_S = 30


def fetch(wanted: Mapping[Artifact, Path], scratch: Path, received: Received) -> None:
    """Fetch every artifact to its path, by way of ``scratch`` on the same disk.

    A file gets its path only when it is whole, so that a download that is interrupted, even by
    a kill, leaves nothing behind that a later one would take for granted.

    Raises
    ------
    HeadraceError
        Where one cannot be fetched or has another SHA-256 than the lock says.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    stopped = threading.Event()
    with ThreadPoolExecutor(_THREADS) as threads:
        try:
            context = _context(scratch, received, stopped)
            pending = [threads.submit(_fetch_one, context, *each) for each in wanted.items()]
            for done in as_completed(pending):
                done.result()
        finally:
            stopped.set()
            threads.shutdown(cancel_futures=True)
            shutil.rmtree(scratch, ignore_errors=True)


class _StoppedError(Exception):
    """Ends a download that nobody waits for any more."""


def _context(scratch: Path, received: Received, stopped: threading.Event) -> "MavenContext":
    from jgo.maven import MavenContext, PythonResolver

    # It warns of a wrong SHA-1; we refuse a wrong SHA-256.
    logging.getLogger("jgo").setLevel(logging.ERROR)

    def receive(number_bytes: int) -> None:
        if stopped.is_set():
            raise _StoppedError
        received(number_bytes)

    @contextlib.contextmanager
    def progress(_filename: str, _size_bytes: int) -> Iterator[Received]:
        yield receive

    return MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=scratch,
        local_repos=[],
        timeout=_TIMEOUT_S,
    )


def _fetch_one(context: "MavenContext", artifact: Artifact, destination: Path) -> None:
    component = context.project(artifact.group, artifact.artifact).at_version(artifact.version)
    arrived = _arrived(component.artifact(artifact.classifier, artifact.packaging))
    if not artifact.is_whole(arrived):
        raise HeadraceError(
            f"{artifact.filename} arrived with another SHA-256 than the lock's: not kept.",
            fix="Run `headrace up` again; if it stays so, something between you and Maven's "
            "repository alters files.",
        )
    whole = arrived if artifact.packaging == "jar" else _unpacked(arrived)
    whole.replace(destination)


def _arrived(remote: "MavenArtifact") -> Path:
    """Return where the file arrived, after a few attempts."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return remote.resolve()
        except (OSError, RuntimeError) as error:  # no network; no such file or no answer
            if remote.cached_path:  # half of it would be taken for all of it
                remote.cached_path.unlink(missing_ok=True)
            if attempt == _ATTEMPTS:
                raise HeadraceError(
                    f"{remote.filename} could not be fetched: {error}",
                    fix="Check the network (and the proxy), then run `headrace up` again: "
                    "what has arrived is kept.",
                ) from error
    raise AssertionError  # the last attempt returns or raises


def _unpacked(archive: Path) -> Path:
    folder = archive.with_name(f"{archive.name}.unpacked")
    with tarfile.open(archive) as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", None)  # not in early 3.11
        tar.extractall(folder)  # noqa: S202 -- its SHA-256 is the locked one
    return folder
