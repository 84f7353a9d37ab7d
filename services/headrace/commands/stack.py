"""``headrace up``, ``status`` and ``down``: the local stack, or a cluster of one's own."""

import signal
from collections.abc import Sequence
from dataclasses import asdict

from headrace.commands.console import print_json, progress, results
from headrace.errors import HeadraceError
from headrace.local.cluster import OwnCluster
from headrace.local.settings import LocalSettings
from headrace.local.stack import LocalStack
from headrace.local.status import PartStatus


def up() -> None:
    """Start a real Kafka broker, a real schema registry and a real Zipkin on this machine.

    Does nothing where they run already. With KAFKA_BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL
    set, nothing is started: that cluster is used, and is asked whether it answers.
    """
    if own := OwnCluster.named():
        _say_whose(own)
        _require_ready(own.status())
        results.print("Your cluster answers.")
        return
    # Whoever ends this command must not leave half a stack: as Ctrl-C, so SIGTERM and SIGHUP.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has it ignored
            signal.signal(number, signal.default_int_handler)
    stack = LocalStack(LocalSettings(), progress)
    started = stack.up()
    results.print("The local stack is up." if started else "The local stack was up already.")
    _print(stack.status())


def status(*, json: bool = False) -> None:
    """Show each part of the stack; exit 1 unless all of it can be used.

    Parameters
    ----------
    json
        Print one JSON document instead of lines.
    """
    own = OwnCluster.named()
    statuses = own.status() if own else LocalStack(LocalSettings()).status()
    if json:
        print_json([asdict(part) for part in statuses])
    else:
        if own:
            _say_whose(own)
        _print(statuses)
    if any(part.state != "ready" for part in statuses):
        raise SystemExit(1)


def down(*, delete: bool = False) -> None:
    """Stop the local stack; its topics and schemas are kept for the next ``up``.

    Parameters
    ----------
    delete
        Delete its topics, schemas and logs as well. What was downloaded is kept.
    """
    stopped = LocalStack(LocalSettings(), progress).down(delete=delete)
    if not stopped:
        results.print("The local stack was not running.")


def _say_whose(own: OwnCluster) -> None:
    progress(
        "KAFKA_BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL are set: your cluster is used "
        f"({own.bootstrap_servers}, {own.registry_url}), no local stack."
    )


def _require_ready(statuses: Sequence[PartStatus]) -> None:
    for part in statuses:
        if part.state != "ready":
            raise HeadraceError(
                f"{part.name} at {part.address} cannot be used: {part.reason}.",
                fix="Check the address, the network and the security settings.",
            )


def _print(statuses: Sequence[PartStatus]) -> None:
    """Print a few lines a part, unwrapped: an address and a path are for copying."""
    for part in statuses:
        state = part.state + (f" ({part.reason})" if part.reason else "")
        lines = [f"{part.name:<18} {state:<10} {part.address}"]
        if part.since:
            lines.append(f"{'':<18} pid {part.pid} since {part.since.astimezone():%F %T}")
        if part.log:
            lines.append(f"{'':<18} log {part.log}")
        results.print("\n".join(lines), soft_wrap=True, markup=False, highlight=False)
