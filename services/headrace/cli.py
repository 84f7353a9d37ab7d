"""The command line: ``headrace <verb>``."""

import sys

import cyclopts

from headrace.commands.console import complain
from headrace.errors import HeadraceError

app = cyclopts.App(name="headrace", help="Decide business events inline, exactly once.")

# Named by text, so that a command loads only what it needs and starts fast.
for verb, target in {
    "up": "stack:up",
    "status": "stack:status",
    "down": "stack:down",
    "doctor": "doctor:doctor",
    "publish": "publish:publish",
    "run": "service:run",
    "ready": "service:ready",
    "release": "service:release",
    "tail": "tail:tail",
    "verify": "verify:verify",
    "demo": "demo:demo",
    "bench": "bench:bench",
    "bench-drift": "bench_drift:bench_drift",
    "backtest": "backtest:backtest",
    "explain": "explain:explain",
}.items():
    app.command(f"headrace.commands.{target}", name=verb)

topics = cyclopts.App(name="topics", help="The topics and schemas of every use case.")
topics.command("headrace.commands.topics:apply", name="apply")
topics.command("headrace.commands.kept:kept", name="kept")
app.command(topics)

charter = cyclopts.App(name="charter", help="What a use case declares, in one file.")
for verb in ("check", "show", "schema"):
    charter.command(f"headrace.commands.charter:{verb}", name=verb)
app.command(charter)

lists = cyclopts.App(name="lists", help="The lists of entities that a charter's rules look at.")
for verb in ("add", "remove", "show"):
    lists.command(f"headrace.commands.lists:{verb}", name=verb)
app.command(lists)

dead_letters = cyclopts.App(name="dead-letters", help="What could not be decided.")
dead_letters.command("headrace.commands.dead_letters:list_", name="list")
for verb in ("show", "replay"):
    dead_letters.command(f"headrace.commands.dead_letters:{verb}", name=verb)
app.command(dead_letters)

incidents = cyclopts.App(name="incidents", help="What is the matter, and who looks after it.")
incidents.command("headrace.commands.incidents:list_", name="list")
for verb in ("show", "ack", "resolve"):
    incidents.command(f"headrace.commands.incidents:{verb}", name=verb)
for verb in ("silence", "unsilence"):
    incidents.command(f"headrace.commands.silences:{verb}", name=verb)
app.command(incidents)

models = cyclopts.App(name="models", help="The models that were published, and which serves.")
for verb, target in {
    "list": "models:list_",
    "show": "models:show",
    "compare": "comparing:compare",
    "freeze": "models:freeze",
    "publish": "model_publishing:publish",
    "retrain": "retraining:retrain",
    "serve": "serving:serve",
}.items():
    models.command(f"headrace.commands.{target}", name=verb)
app.command(models)


def main() -> None:
    """Run the command that the arguments name; exit 1 where it failed, 130 where interrupted."""
    try:
        app()
    except HeadraceError as error:
        complain("error", error.message)
        if error.fix:
            complain("fix", error.fix)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
