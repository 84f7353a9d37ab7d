"""What a trial runs in: the local stack, and an end that nothing disturbs."""

import contextlib
import signal
from collections.abc import Callable, Iterator

from headrace.local.cluster import OwnCluster
from headrace.local.settings import LocalSettings
from headrace.local.stack import LocalStack

Say = Callable[[str], None]
"""Told in plain lines what is being done."""


def start_stack(ends: contextlib.ExitStack, say: Say, *, keep: bool) -> None:
    """Start the local stack, where no other cluster is named; ``ends`` stops what this started."""
    if OwnCluster.named() is not None:
        say("KAFKA_BOOTSTRAP_SERVERS is set: using that cluster.")
        return
    stack = LocalStack(LocalSettings(), say)
    ran_before = stack.is_running()
    if not ran_before and not keep:
        ends.callback(stack.down)
    stack.up()


@contextlib.contextmanager
def undisturbed_end() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C; the clean-up after either is not interrupted again."""
    handlers = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}

    def interrupt(*_: object) -> None:
        for name in handlers:
            signal.signal(name, signal.SIG_IGN)
        raise KeyboardInterrupt

    for name in handlers:
        signal.signal(name, interrupt)
    try:
        yield
    finally:
        for name, handler in handlers.items():
            signal.signal(name, handler)
