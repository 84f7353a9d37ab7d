"""One command at a time."""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def exclusively(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock on the file ``path``, which a kill releases; says so where it has to wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another headrace command to finish ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
