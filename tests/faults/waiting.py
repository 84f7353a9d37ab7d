"""Waiting for what is expected, never for a time."""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

PATIENCE_S = 60.0
_LOOK_S = 0.05


def until(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return when the condition holds; fail where it does not in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {patience_s:.0f} s"
        time.sleep(_LOOK_S)


def free_ports(count: int) -> list[int]:
    """Return ports of this machine on which nothing listens."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]
