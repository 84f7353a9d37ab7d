"""Handing what stands in a topic to the world outside, at least once, each at its own pace.

A record is handed over until that succeeds, or is hopeless: then it is a dead letter. What waits to
be tried again holds up none but its own key's. Where it stands is committed with how often each was
tried, so that a restart neither forgets nor begins anew. It is no transaction: a record may be
handed over again after a crash, the same bytes under the same id.
"""

import logging
import random
from collections.abc import Mapping
from threading import Event, Thread
from time import monotonic
from typing import Any, Final, Literal, NamedTuple, Protocol, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from headrace.chassis.batch import Dead, Fetched
from headrace.chassis.clients import Clients, session
from headrace.chassis.clock import now_ms
from headrace.chassis.deadletters import dead_lettered
from headrace.chassis.headers import read_headers
from headrace.chassis.messages import holds_record
from headrace.chassis.metrics import Metrics
from headrace.chassis.produce import produce_one
from headrace.chassis.reading import ends, since
from headrace.chassis.topology import Channel
from headrace.chassis.window import Pending, Position, Window
from headrace.contracts.codec import Undecodable
from headrace.errors import HeadraceError

_log = logging.getLogger("headrace.forwarding")

_POLL_S: Final = 0.1
_CALL_S: Final = 5.0
_TIMEOUT_S: Final = 30.0
_LONGEST_S: Final = 300.0
_TURN_S: Final = 30.0
"""After so long the group must hear from the member, whatever else is due."""
_FIRST_MS: Final = 3_600_000
"""Who forwards a topic for the first time begins with what is so old."""


class Verdict(NamedTuple):
    """What came of handing a record over."""

    outcome: Literal["delivered", "retry", "hopeless", "dropped"]
    why: str = ""


class Deliver(Protocol):
    """Hands one record over."""

    def __call__(
        self, record: Mapping[str, Any], headers: Mapping[str, bytes | None], age_s: float
    ) -> Verdict:
        """Try once; ``age_s`` is how long ago the record was written."""


class Patience(NamedTuple):
    """How often something is tried, and how far apart."""

    tries: int
    first_s: float
    """Before the second try; then twice as long each time, five minutes at most."""

    def wait_s(self, tries: int, share: float) -> float:
        """Return how long to wait after so many tries in vain.

        Parameters
        ----------
        share
            A random number from 0 to 1: half of the wait is drawn, so that not all come at once.
        """
        most_s = min(self.first_s * 2.0 ** (tries - 1), _LONGEST_S)
        return most_s * (0.5 + 0.5 * share)


class Forwarder:
    """Forwards the records of a topic of one partition, in a thread of its own.

    Parameters
    ----------
    service
        Whose name stands in dead letters.
    group
        Of it one member forwards, the others wait.
    source, dead_letters
        What is forwarded, and where what is hopeless goes.
    deliver
        Hands one record over.
    session_timeout_ms
        A member silent for so long is taken for dead, and another one forwards.
    """

    def __init__(
        self,
        clients: Clients,
        service: str,
        group: str,
        source: Channel,
        dead_letters: Channel,
        deliver: Deliver,
        patience: Patience,
        session_timeout_ms: int,
        metrics: Metrics,
    ) -> None:
        self._clients = clients
        self._service, self._group = service, group
        self._source, self._dead_letters = source, dead_letters
        self._deliver = deliver
        self._patience = patience
        self._session = session(session_timeout_ms)
        self._metrics = metrics
        self._window: Window[Fetched] | None = None
        self._committed: Position | None = None
        self._is_assigned = False
        self._stopping = Event()
        self._failure: Exception | None = None
        self._thread = Thread(target=self._run, name="forwarding", daemon=True)

    def open(self, timeout_s: float) -> None:  # noqa: ARG002 -- it waits for nothing
        """Start; the counter is there from now on, so that it can be seen to stand still."""
        self._metrics.count("deliveries", 0, "delivered")
        self._thread.start()

    def refresh(self) -> None:
        """See that it still works.

        Raises
        ------
        HeadraceError
            It does not.
        """
        if self._failure is not None:
            raise HeadraceError(
                f"{self._source.topic} is not forwarded any more: {self._failure}",
                fix="A restart goes on where it stood.",
            ) from self._failure

    def close(self) -> None:
        """Finish the try in hand, and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_TIMEOUT_S)

    def _run(self) -> None:
        consumer = None
        try:
            consumer = self._clients.consumer(self._group, **self._session)
            consumer.subscribe(
                [self._source.topic],
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_revoke,
            )
            while not self._stopping.is_set():
                self._step(consumer)
        except Exception as error:  # noqa: BLE001 -- told to the thread that can end the process
            _log.exception("forwarding has failed")
            self._failure = error
        finally:
            if consumer is not None:
                consumer.close()

    def _step(self, consumer: Consumer) -> None:
        if self._is_assigned and self._window is None:
            self._begin(consumer)
        before = self._window
        if before is not None:
            at = [TopicPartition(self._source.topic, 0)]
            (consumer.pause if before.is_full else consumer.resume)(at)
        message = consumer.poll(_POLL_S)
        window = self._window
        if window is None or window is not before:
            return  # it has changed hands
        if message is not None and holds_record(message):
            fetched = cast("Fetched", message)
            window.add(fetched.offset(), (fetched.key() or b"").decode(errors="replace"), fetched)
        turn_ends = monotonic() + _TURN_S
        for each in window.due(monotonic()):
            if self._stopping.is_set() or monotonic() > turn_ends:
                break
            self._try(window, each)
            self._commit(consumer, window)

    def _begin(self, consumer: Consumer) -> None:
        """Go on where the group stands; later, where no broker tells."""
        topic = self._source.topic
        try:
            at = consumer.committed([TopicPartition(topic, 0)], _CALL_S)[0]
            start = at.offset if at.offset >= 0 else self._first()
        except KafkaException as error:
            _log.warning("where %s is to be gone on with is not known yet: %s", topic, error)
            return
        if at.error is not None:
            _log.warning("where %s is to be gone on with is not known yet: %s", topic, at.error)
            return
        self._window, self._committed = Window.restored(at.metadata or ""), None
        consumer.assign([TopicPartition(topic, 0, start)])
        _log.info("forwarding %s from offset %d", topic, start)

    def _first(self) -> int:
        """Return where to begin for the first time."""
        topic, first_ms = self._source.topic, now_ms() - _FIRST_MS
        end = ends(self._clients, topic, [0], _CALL_S)[0]  # first: what comes meanwhile counts
        first = since(self._clients, topic, [0], first_ms, _CALL_S)[0].offset
        return end if first < 0 else first

    def _try(self, window: Window[Fetched], pending: Pending[Fetched]) -> None:
        headers = read_headers([pending.what]).get((0, pending.offset))
        try:
            record = self._source.decode(pending.what.value())
        except Undecodable as error:
            verdict = Verdict("hopeless", error.detail)
        else:
            age_s = (now_ms() - pending.what.timestamp()[1]) / 1_000
            verdict = self._deliver(record, dict(headers or ()), age_s)
        outcome, why = verdict
        if outcome == "retry" and pending.tries + 1 < self._patience.tries:
            tries = pending.tries + 1
            wait_s = self._patience.wait_s(tries, random.random())  # noqa: S311 -- no secret
            _log.warning("try %d in vain, the next in %.1f s: %s", tries, wait_s, why)
            window.postpone(pending.offset, monotonic() + wait_s)
        else:
            if outcome in ("retry", "hopeless"):
                outcome = "hopeless"
                self._bury(pending, headers, why)
            window.finish(pending.offset)
        self._metrics.count("deliveries", 1, outcome)

    def _bury(self, pending: Pending[Fetched], headers: Any, why: str) -> None:
        _log.error("given up after %d tries: %s", pending.tries + 1, why)
        dead = Dead(0, pending.offset, "undeliverable", why)
        letter = dead_lettered(pending.what, headers or [], dead, self._service, now_ms())
        topic, encode, _ = self._dead_letters
        produce_one(self._clients, topic, pending.key, encode(letter), _TIMEOUT_S)

    def _commit(self, consumer: Consumer, window: Window[Fetched]) -> None:
        position = window.position()
        if position is None or position == self._committed or window is not self._window:
            return
        at = TopicPartition(self._source.topic, 0, position.offset, position.metadata)
        try:
            consumer.commit(offsets=[at], asynchronous=False)
            self._committed = position
        except KafkaException as error:
            if error.args[0].code() in _AWAY:
                _log.warning("where it stands is not committed yet: %s", error)
            else:
                raise

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._is_assigned, self._window = bool(partitions), None
        consumer.assign([])  # beginning assigns it for real, at the right offset

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:  # noqa: ARG002
        self._is_assigned, self._window = False, None
        consumer.unassign()


_AWAY: Final = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.NOT_COORDINATOR,
        # Another member has it by now, or will: it goes on where the last commit stands.
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
    }
)
"""What the next commit may find mended."""
