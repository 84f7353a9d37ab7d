"""The course of a demo, from the first event to the verdict."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headrace.chassis.clients import Clients
from headrace.chassis.settings import TelemetrySettings
from headrace.chassis.telemetry import Telemetry
from headrace.chassis.wiring import Wiring
from headrace.contracts.location import shipped
from headrace.contracts.registry import Registry
from headrace.contracts.topics import load_topics
from headrace.demo.display import Arrived, Display, PlainLines
from headrace.demo.echo import EchoSizes, echo
from headrace.demo.following import await_seen, publish_and_follow
from headrace.demo.improvement import Improvement, improvement
from headrace.demo.learners import DAYS, Learners
from headrace.demo.outcomes import Outcomes
from headrace.demo.plan import Plan
from headrace.demo.seen import OpenDueTimes, Seen
from headrace.demo.summary import Summary
from headrace.demo.tally import Reader, Tally
from headrace.demo.trace import Traced, steps_of
from headrace.models.keys import load_trusted
from headrace.models.serving import load_model
from headrace.scoring.settings import ScoringSettings
from headrace.simulator.publisher import Published, Publisher
from headrace.simulator.scenario import Scenario
from headrace.simulator.seasons import SPAN_DAYS
from headrace.simulator.sources import Source, recorded, simulated
from headrace.simulator.truth import Truth
from headrace.trials.service import ScoringProcess
from headrace.trials.surroundings import Say
from headrace.trials.use_case import create
from headrace.trials.watch import Take, Watch
from headrace.usecase.charter import Charter
from headrace.verification.terms import load_terms
from headrace.verification.verifier import Verifier

_BACKLOG_ASK_S = 0.05
_RATE_ASK_S = 0.25
_VERIFY_TIMEOUT_S = 60.0
_CHANGE_BYTES = 70  # a changelog record's value: an entry of 56 bytes and its framing


class Ends(NamedTuple):
    """The two ends of a trace that are the demo's own."""

    publisher: Telemetry
    downstream: Telemetry


class Course:
    """One demo on a running stack: what is published, watched, counted and verified."""

    def __init__(
        self,
        plan: Plan,
        charter: Path,
        clients: Clients,
        registry: Registry,
        say: Say,
        display: Display,
        traced: Ends,
    ) -> None:
        self._traced = traced
        self._plan = plan
        self._path = charter
        self._charter = Charter.load(charter)
        self._clients = clients
        self._registry = registry
        self._say = say
        self._display = display
        self._specs = load_topics(self._charter.name, self._charter.events.schema)
        self._partitions = self._specs[self._topic("events")].partitions
        wiring = Wiring(self._specs, registry)
        self._decoders = {
            name: wiring.channel(self._topic(name)).decode
            for name in ("decisions", "audits", "events.dlq")
        }
        self._due_times = OpenDueTimes()
        self._wiring = wiring
        self._learns = plan.learn and plan.is_world and self._charter.learning is not None
        days = DAYS if self._learns else SPAN_DAYS
        self._scenario = Scenario(plan.seed, plan.events, days=days)

    def run(self) -> Summary:
        """Publish, watch, count, verify."""
        log = self._path.with_suffix(".log")
        environment = {"HEADRACE_INSTANCE": "demo", "HEADRACE_DEAD_LETTER_LIMIT": "true"}
        self._say(f"Starting scoring (log: {log}) ...")
        values = self._charter.values
        with ScoringProcess(self._path, environment, log) as scoring, self._learners(environment):
            latencies_ms = np.array([])
            if self._plan.rate is None:
                published = self._publish(scoring, PlainLines(self._say), None, _BACKLOG_ASK_S)
            else:
                seen = Seen(Outcomes(values), self._due_times)
                with (
                    self._watch("decisions", seen.decisions),
                    self._watch("events.dlq", seen.letters),
                ):
                    published = self._publish(scoring, self._display, seen.arrived, _RATE_ASK_S)
                    await_seen(seen, scoring)
                latencies_ms = seen.latencies_ms()
        self._say("Counting what came of it ...")
        reader = Reader(self._clients, self._charter.name, self._decoders)
        tally = reader.tally(self._partitions, values)
        traced = self._trace(tally)
        echo_per_s = self._echo(published, tally) if self._plan.with_echo else None
        self._say("Verifying every decision ...")
        terms = load_terms(self._path, None)
        verifier = Verifier(self._clients, self._registry, terms, _VERIFY_TIMEOUT_S, self._say)
        report = verifier.verify(allow_pending=False)
        return Summary(
            self._charter.name,
            self._charter.events.schema,
            published,
            tally,
            latencies_ms,
            echo_per_s,
            report,
            traced,
            self._learns,
            self._improvement(reader),
        )

    def _learners(self, environment: dict[str, str]) -> contextlib.AbstractContextManager[object]:
        """Return what learns beside, and publishes the labels for that; nothing where none does."""
        if not self._learns:
            return contextlib.nullcontext()
        self._say("Starting labelling and learning (logs beside that one) ...")
        return Learners(
            self._path,
            self._charter,
            self._clients,
            self._wiring,
            self._partitions,
            self._scenario,
            environment,
        )

    def _improvement(self, reader: Reader) -> Improvement | None:
        """Compare the models that learned with the scorecard, by the world's truth."""
        values = self._charter.values
        if not self._learns or values is None:
            return None
        settings = ScoringSettings()
        scorecard = load_model(
            settings.model_folder(self._charter.name),
            load_trusted(settings.trusted_keys),
            self._charter.feature_set.digest,
        )
        truth = Truth(self._scenario)
        told = [
            (decision, truth.fraudulent(number))
            for decision in reader.decisions(self._partitions)
            if (number := truth.number(decision["event_id"])) is not None
        ]
        decisions, truths = [each for each, _ in told], [each for _, each in told]
        return improvement(decisions, truths, scorecard, values)

    def _watch(self, name: str, take: Take) -> Watch[dict[str, Any]]:
        decode = self._decoders[name]
        topic, downstream = self._topic(name), self._traced.downstream
        return Watch(self._clients, topic, self._partitions, decode, take, downstream)

    def _publish(
        self,
        scoring: ScoringProcess,
        display: Display,
        arrived: Callable[[], Arrived] | None,
        every_s: float,
    ) -> Published:
        plan = self._plan
        linger = {} if plan.rate is None else {"linger.ms": 0}
        publisher = Publisher(
            self._clients.producer(**linger),
            self._topic("events"),
            self._traced.publisher,
            rate=plan.rate,
            due_times=None if plan.rate is None else self._due_times,
        )
        source = self._source()
        self._say(f"Publishing {source.records:,} events ...")
        return publish_and_follow(publisher, source, scoring, display, arrived, every_s)

    def _source(self) -> Source:
        plan = self._plan
        if plan.file is not None:
            mapping = shipped("deploy") / "mappings" / "fdh.toml"
            return recorded(self._charter, self._registry, plan.file, mapping, plan.limit)
        days = self._scenario.days
        return simulated(self._charter, self._registry, plan.events, plan.seed, days=days)

    def _trace(self, tally: Tally) -> Traced | None:
        """Look up one event's trace; every service has told of it once scoring has ended."""
        settings, decision = TelemetrySettings(), tally.outcomes.traced
        if decision is None:
            return None
        trace_id = decision["trace_id"]
        page = settings.page_of(trace_id)
        if not page:
            return None
        for ours in self._traced:
            ours.flush()
        spans = 3 if self._plan.rate is None else 4  # where nobody watches, nobody receives
        spans += self._learns  # labelling
        zipkin = settings.local_zipkin
        steps = steps_of(zipkin, trace_id, spans) if zipkin else []
        return Traced(decision["event_id"], page, steps)

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
