"""Waiting for what is expected, never for a time."""

import random
import time
from collections.abc import Callable

from headrace.local.probe import port_is_taken

PATIENCE_S = 180.0
_LOOK_S = 0.05
_LISTENING = (20_000, 32_000)  # below where Linux and macOS take the ports of connections


def until(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return when the condition holds; fail where it does not in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {patience_s:.0f} s"
        time.sleep(_LOOK_S)


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens, of those that no outgoing connection is given."""
    free: list[int] = []
    while len(free) < count:
        port = random.randint(*_LISTENING)
        if port not in free and not port_is_taken(port):
            free.append(port)
    return free
