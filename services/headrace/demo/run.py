"""The demo itself: the stack, its course on that, and a drift at the end."""

import contextlib
import time
from dataclasses import replace
from pathlib import Path

from confluent_kafka import KafkaException

from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings
from headrace.chassis.telemetry import telemetry
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.demo.course import Course, Ends
from headrace.demo.display import Display
from headrace.demo.drifting import EVENTS, Drifted, drifted
from headrace.demo.plan import Plan
from headrace.demo.summary import Summary
from headrace.errors import HeadraceError
from headrace.scoring.settings import ScoringSettings
from headrace.trials.surroundings import Say, start_stack, undisturbed_end
from headrace.trials.use_case import discard, prepare
from headrace.usecase.charter import Charter


def demo(plan: Plan, charter: Path, say: Say, display: Display) -> Summary:
    """Run the demo; whatever happens, what it started is stopped (``plan.keep``: only scoring).

    Raises
    ------
    HeadraceError
        Something stood in its way, and what to do about it.
    """
    with contextlib.ExitStack() as ends:
        ends.enter_context(undisturbed_end())
        start_stack(ends, say, keep=plan.keep)
        clients, registry = Clients(KafkaSettings()), Registry(RegistrySettings())
        say("Applying topics and schemas ...")
        try:
            copy = ScoringSettings().home / "demo" / f"{_own_name(charter)}.toml"
            prepare(charter, copy, clients, registry, backlog=plan.rate is None)
            traced = Ends(
                ends.enter_context(telemetry("headrace.publisher")),
                ends.enter_context(telemetry("headrace.downstream")),
            )
            summary = Course(plan, copy, clients, registry, say, display, traced).run()
            if summary.holds and plan.drift and plan.is_world:
                summary = replace(summary, drifted=_drifted(copy, clients, registry, traced, say))
            if summary.holds and not plan.keep:
                discard(copy.stem, clients)
                if summary.drifted is not None:
                    discard(summary.drifted.charter.stem, clients)
        except KafkaException as error:
            raise HeadraceError(
                f"Kafka refuses to go on: {error.args[0].str()}", fix="See headrace status."
            ) from error
        return summary


def _drifted(
    charter: Path, clients: Clients, registry: Registry, traced: Ends, say: Say
) -> Drifted | None:
    say(f"Switching a drift on, among {EVENTS:,} events of another use case ...")
    copy = charter.with_stem(f"{charter.stem}-drift")
    return drifted(copy, clients, registry, traced.publisher, say)


def _own_name(charter: Path) -> str:
    return f"{Charter.load(charter).name}-demo-{time.strftime('%m%d-%H%M%S')}"
