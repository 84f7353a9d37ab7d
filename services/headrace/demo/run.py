"""The demo itself, from the stack to the verdict."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from confluent_kafka import KafkaException

from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings
from headrace.chassis.wiring import Wiring
from headrace.contracts.location import shipped
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.topics import load_topics
from headrace.demo.echo import EchoSizes, echo
from headrace.demo.service import ScoringProcess
from headrace.demo.summary import Summary
from headrace.demo.tally import Reader, Tally
from headrace.demo.use_case import create, discard, prepare
from headrace.demo.watch import DecisionWatch
from headrace.errors import HeadraceError
from headrace.local.cluster import OwnCluster
from headrace.local.settings import LocalSettings
from headrace.local.stack import LocalStack
from headrace.simulator.due import DueTimes
from headrace.simulator.publisher import Published, Publisher
from headrace.simulator.sources import Source, recorded, simulated
from headrace.usecase.charter import Charter
from headrace.verification.terms import load_terms
from headrace.verification.verifier import Verifier

Say = Callable[[str], None]
_PROGRESS_S = 1.0
_STALLED_S = 60.0
_VERIFY_TIMEOUT_S = 60.0
_CHANGE_BYTES = 70  # a changelog record's value: an entry of 56 bytes and its framing


@dataclass(frozen=True)
class Plan:
    """What to publish, and how."""

    file: Path | None
    limit: int | None
    events: int
    seed: int
    rate: float | None
    with_echo: bool
    keep: bool


def demo(plan: Plan, charter: Path, say: Say) -> Summary:
    """Run the demo; whatever happens, what it started is stopped (``plan.keep``: only scoring).

    Raises
    ------
    HeadraceError
        Something stood in its way, and what to do about it.
    """
    with contextlib.ExitStack() as ends:
        ends.enter_context(_undisturbed_end())
        _start_stack(plan, ends, say)
        clients, registry = Clients(KafkaSettings()), Registry(RegistrySettings())
        say("Applying topics and schemas ...")
        try:
            copy = prepare(charter, clients, registry)
            summary = _Run(plan, copy, clients, registry, say).run()
            if summary.holds and not plan.keep:
                discard(copy, clients)
        except KafkaException as error:
            raise HeadraceError(
                f"Kafka refuses to go on: {error.args[0].str()}", fix="See headrace status."
            ) from error
        return summary


class _Run:
    """One demo on a running stack."""

    def __init__(
        self, plan: Plan, charter: Path, clients: Clients, registry: Registry, say: Say
    ) -> None:
        self._plan = plan
        self._path = charter
        self._charter = Charter.load(charter)
        self._clients = clients
        self._registry = registry
        self._say = say
        self._specs = load_topics(self._charter.name, self._charter.events.schema)
        self._partitions = self._specs[self._topic("events")].partitions
        wiring = Wiring(self._specs, registry)
        self._decoders = {
            name: wiring.channel(self._topic(name)).decode
            for name in ("decisions", "audits", "events.dlq")
        }
        self._due_times = DueTimes()

    def run(self) -> Summary:
        """Publish, watch, count, verify."""
        log = self._path.with_suffix(".log")
        environment = {"HEADRACE_INSTANCE": "demo", "HEADRACE_DEAD_LETTER_LIMIT": "true"}
        self._say(f"Starting scoring (log: {log}) ...")
        with ScoringProcess(self._path, environment, log) as scoring:
            latencies_ms = np.array([])
            if self._plan.rate is None:
                published = self._publish_and_wait(scoring)
            else:
                decisions = self._topic("decisions")
                decode = self._decoders["decisions"]
                with DecisionWatch(self._clients, decisions, self._partitions, decode) as watch:
                    published = self._publish_and_wait(scoring)
                    self._await_seen(watch, scoring)
                latencies_ms = watch.latencies_ms(self._due_times)
        self._say("Counting what came of it ...")
        tally = Reader(self._clients, self._charter.name, self._decoders).tally(self._partitions)
        echo_per_s = self._echo(published, tally) if self._plan.with_echo else None
        self._say("Verifying every decision ...")
        terms = load_terms(self._path, None)
        verifier = Verifier(self._clients, self._registry, terms, _VERIFY_TIMEOUT_S, self._say)
        report = verifier.verify(allow_pending=False)
        return Summary(self._charter.name, published, tally, latencies_ms, echo_per_s, report)

    def _publish_and_wait(self, scoring: ScoringProcess) -> Published:
        plan = self._plan
        linger = {} if plan.rate is None else {"linger.ms": 0}
        publisher = Publisher(
            self._clients.producer(**linger),
            self._topic("events"),
            rate=plan.rate,
            due_times=None if plan.rate is None else self._due_times,
        )
        source = self._source()
        self._say(f"Publishing {source.records:,} events ...")
        stop, failures = threading.Event(), list[BaseException]()
        thread = threading.Thread(
            target=_run_publisher, args=(publisher, source, stop, failures), daemon=True
        )
        thread.start()
        try:
            self._follow(publisher, scoring, thread, source.records)
        finally:
            stop.set()
            thread.join()
        if failures:
            raise failures[0]
        return publisher.outcome

    def _follow(
        self, publisher: Publisher, scoring: ScoringProcess, thread: threading.Thread, events: int
    ) -> None:
        """Say how it goes, until all that was published has been processed."""
        processed, moved_at, said_at = 0, time.monotonic(), 0.0
        while thread.is_alive() or processed < publisher.outcome.published:
            time.sleep(0.05 if thread.is_alive() else 0.02)
            now, before = time.monotonic(), processed
            processed = max(processed, scoring.processed())
            if processed > before or thread.is_alive():
                moved_at = now
            if now - said_at > _PROGRESS_S:
                said_at = now
                published = publisher.outcome.published
                self._say(f"  published {published:,} of {events:,}, processed {processed:,}")
            if now - moved_at > _STALLED_S:
                raise HeadraceError(
                    f"Scoring stands still at {processed:,} records"
                    f" ({scoring.why_not_ready() or 'although it says that it is ready'}).",
                    fix="Its log says why; see above for where that is.",
                )

    def _await_seen(self, watch: DecisionWatch, scoring: ScoringProcess) -> None:
        """Let the watch see the last decisions: they are committed already."""
        seen, changed_at = -1, time.monotonic()
        while time.monotonic() - changed_at < 0.5:
            scoring.require_alive()
            time.sleep(0.05)
            if watch.seen() != seen:
                seen, changed_at = watch.seen(), time.monotonic()

    def _source(self) -> Source:
        plan = self._plan
        if plan.file is not None:
            mapping = shipped("deploy") / "mappings" / "fdh.toml"
            return recorded(self._charter, self._registry, plan.file, mapping, plan.limit)
        return simulated(self._charter, self._registry, plan.events, plan.seed)

    def _echo(self, published: Published, tally: Tally) -> float:
        self._say("Echoing the same records with plain confluent-kafka ...")
        sizes = EchoSizes(
            decision=tally.decision_bytes // max(1, tally.decided),
            audit=tally.audit_bytes // max(1, tally.decided + tally.duplicates),
            change=_CHANGE_BYTES,
        )
        echoes = replace(self._specs[self._topic("decisions")], name=self._topic("echoes"))
        create(self._clients.admin(), [echoes])
        return echo(
            self._clients,
            self._topic("events"),
            echoes.name,
            self._partitions,
            published.published,
            sizes,
        )

    def _topic(self, name: str) -> str:
        return f"{self._charter.name}.{name}"


def _run_publisher(
    publisher: Publisher, source: Source, stop: threading.Event, failures: list[BaseException]
) -> None:
    try:
        publisher.run(source.publications, stop)
    except (HeadraceError, KafkaException) as error:
        failures.append(error)


def _start_stack(plan: Plan, ends: contextlib.ExitStack, say: Say) -> None:
    if OwnCluster.named() is not None:
        say("KAFKA_BOOTSTRAP_SERVERS is set: using that cluster.")
        return
    stack = LocalStack(LocalSettings.load(), say)
    ran_before = stack.is_ready()
    if not ran_before and not plan.keep:
        ends.callback(stack.down)
    stack.up()


@contextlib.contextmanager
def _undisturbed_end() -> Iterator[None]:
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
