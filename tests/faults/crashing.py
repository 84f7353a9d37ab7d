"""Runs the scoring service as it is, and kills or stops its process at one chosen step.

The product has no hooks for tests: its Kafka clients are wrapped from outside, and the wrapper
sends the signal to its own process when the step is passed for the n-th time; the seed chooses n.

    python crashing.py --charter PATH --point after-produce --seed 3 [--signal stop]
"""

import argparse
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from headrace.chassis.clients import Clients
from headrace.commands.service import run

POINTS = (
    "before-poll",  # no batch in hand
    "while-fetching",  # the records are there, the group's generation is not captured yet
    "after-consume",  # a batch in hand
    "before-transaction",  # and decided
    "after-produce",  # its records sent in an open transaction
    "after-offsets",  # and the input's offsets
    "inside-commit",
    "after-commit",  # the broker has answered, the state is not merged yet
    "during-restore",
)
STRUCK = "struck at"
AWAKE = "awake again"

_EARLIEST, _LATEST = 3, 12  # of some 30 batches: never the first, never so late that it is missed
_RESTORED_AT_ONCE = 50
_CLIENT_WAITS_S = 20.0


class Blow:
    """Strikes when the point is passed for the n-th time.

    Parameters
    ----------
    rejoin
        After being stopped, be a member of the group again before anything else happens.
    """

    def __init__(self, point: str, seed: int, number: signal.Signals, *, rejoin: bool) -> None:
        self.random = random.Random(f"{point} {seed}")  # a text: seeded by its bytes
        self.member: WatchedConsumer | None = None
        self._rejoin = rejoin
        self._point = point
        self._signal = number
        self._left = self.random.randint(_EARLIEST, _LATEST)
        self._lock = threading.Lock()

    def passes(self, point: str) -> bool:
        """Count a pass; return whether this is the one to strike at."""
        if point != self._point:
            return False
        with self._lock:
            self._left -= 1
            return self._left == 0

    def strike(self, detail: str = "") -> None:
        """Send the signal to this process; returns only where it was stopped and continued."""
        print(f"{STRUCK} {self._point} {detail}", file=sys.stderr, flush=True)
        os.kill(os.getpid(), self._signal)
        print(AWAKE, file=sys.stderr, flush=True)
        if self._rejoin and self.member is not None:
            self.member.rejoin()

    def at(self, point: str) -> None:
        """Strike if it is time."""
        if self.passes(point):
            self.strike()


class Wrapped:
    """A Kafka client whose other methods are its own."""

    def __init__(self, client: Any, blow: Blow) -> None:
        self._client = client
        self._blow = blow

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class WatchedConsumer(Wrapped):
    """The member of the group."""

    def __init__(self, client: Any, blow: Blow) -> None:
        super().__init__(client, blow)
        blow.member = self
        self._assignments = 0
        self._batch_in_hand = False

    def subscribe(self, topics: list[str], on_assign: Callable[..., None], **others: Any) -> None:
        """Subscribe, and count the assignments."""

        def assigned(*arguments: Any) -> None:
            self._assignments += 1
            on_assign(*arguments)

        self._client.subscribe(topics, on_assign=assigned, **others)

    def poll(self, timeout_s: float) -> Any:
        """Poll; the first time after a batch counts as before the poll."""
        self._before_poll()
        return self._client.poll(timeout_s)

    def consume(self, number: int, timeout_s: float) -> Any:
        """Take what is there; as a poll, where it is the first thing after a batch."""
        self._before_poll()
        messages = self._client.consume(number, timeout_s)
        self._blow.at("while-fetching")
        return messages

    def consumer_group_metadata(self) -> Any:
        """Return the generation; it is asked for when a batch has been fetched."""
        metadata = self._client.consumer_group_metadata()
        self._batch_in_hand = True
        self._blow.at("after-consume")
        return metadata

    def _before_poll(self) -> None:
        if self._batch_in_hand:
            self._batch_in_hand = False
            self._blow.at("before-poll")

    def rejoin(self) -> None:
        """Poll until the group has given partitions again."""
        before, until = self._assignments, time.monotonic() + _CLIENT_WAITS_S
        while self._assignments == before and time.monotonic() < until:
            self._client.poll(0.1)


class WatchedProducer(Wrapped):
    """One of the transactional producers."""

    _usual_s: list[float] = []  # noqa: RUF012 -- of all producers of the process together

    def begin_transaction(self) -> None:
        """Begin; the batch has been decided."""
        self._blow.at("before-transaction")
        self._client.begin_transaction()

    def send_offsets_to_transaction(self, *arguments: Any) -> None:
        """Send the offsets; the records have been produced."""
        if self._blow.passes("after-produce"):
            reached = self._blow.random.random() < 0.5
            if reached:
                self._client.flush(_CLIENT_WAITS_S)
            self._blow.strike("every record at the broker" if reached else "records on their way")
        self._client.send_offsets_to_transaction(*arguments)
        self._blow.at("after-offsets")

    def commit_transaction(self, *arguments: Any) -> None:
        """Commit; killed inside at a moment within what a commit usually takes."""
        if self._blow.passes("inside-commit"):
            usual_s = median(self._usual_s)
            after_s = self._blow.random.random() * usual_s
            detail = f"after {after_s * 1_000:.2f} of the usual {usual_s * 1_000:.2f} ms"
            timer = threading.Timer(after_s, self._blow.strike, (detail,))
            timer.daemon = True
            timer.start()
        started_s = time.perf_counter()
        self._client.commit_transaction(*arguments)
        self._usual_s.append(time.perf_counter() - started_s)
        self._blow.at("after-commit")


class WatchedReader(Wrapped):
    """A reader of single topics: of the changelog when the state is restored."""

    _restores = False

    def assign(self, partitions: list[Any]) -> None:
        """Note whether it is the changelog's."""
        self._restores = partitions[0].topic.endswith(".changelog")
        self._client.assign(partitions)

    def consume(self, number: int, timeout_s: float) -> Any:
        """Read; a restore in small pieces, so that it can be struck within."""
        if not self._restores:
            return self._client.consume(number, timeout_s)
        messages = self._client.consume(_RESTORED_AT_ONCE, timeout_s)
        if messages:
            self._blow.at("during-restore")
        return messages


def watch(blow: Blow) -> None:
    """Have every client of this process watched."""
    for name, watched in (
        ("consumer", WatchedConsumer),
        ("transactional_producer", WatchedProducer),
        ("reader", WatchedReader),
    ):
        setattr(Clients, name, _wrapping(getattr(Clients, name), watched, blow))


def _wrapping(make: Callable[..., Any], watched: type[Wrapped], blow: Blow) -> Callable[..., Any]:
    def made(*arguments: Any, **named: Any) -> Wrapped:
        return watched(make(*arguments, **named), blow)

    return made


def main() -> None:
    """Run the service until it is struck."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--charter", type=Path, required=True)
    parser.add_argument("--point", choices=POINTS, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--signal", choices=("kill", "stop"), default="kill")
    parser.add_argument("--rejoin", action="store_true")
    given = parser.parse_args()
    number = signal.SIGSTOP if given.signal == "stop" else signal.SIGKILL
    watch(Blow(given.point, given.seed, number, rejoin=given.rejoin))
    run("scoring", charter=given.charter)


if __name__ == "__main__":
    main()
