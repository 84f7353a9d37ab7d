"""``headrace models serve``: who serves, or who says so."""

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headrace.chassis.clock import now_ms
from headrace.chassis.produce import produce_one
from headrace.commands.console import print_line
from headrace.commands.desk import Desk
from headrace.commands.shelf import SHORT, Shelf, chosen
from headrace.contracts.records import ServingChanged
from headrace.errors import HeadraceError
from headrace.models.choice import CHAMPION, LEARNING, PERSON


def serve(
    name: str | None = None,
    version: str | None = None,
    *,
    digest: str | None = None,
    learning: Annotated[bool, Parameter(negative="")] = False,
    reason: str,
    charter: Path | None = None,
) -> None:
    """Let a published model serve; scoring takes it over within seconds, between two batches.

    It is verified first, with the keys that are trusted here. From then on it serves whatever is
    learned, until somebody names another, or hands the choice back by --learning.

    Parameters
    ----------
    name
        Of the model.
    version
        The one that was published last where not given.
    digest
        The first digits of its digest, where a version was published more than once.
    learning
        Name no model: what serves goes on, and the learning service may put its champion in its
        place again, once that is no worse.
    reason
        Why; it is kept beside your name.
    charter
        The use case's charter; the shipped one where not given.
    """
    if not reason.strip():
        raise HeadraceError("A reason is not empty.", fix="Say why.")
    is_named = any(each is not None for each in (name, version, digest))
    if is_named == learning:
        raise HeadraceError(
            "Either a model is to serve, or learning is to choose.",
            fix="Name a model, or write --learning.",
        )
    shelf = Shelf.open(charter)
    if learning:
        _hand_back(shelf, reason)
    else:
        _pin(shelf, chosen(shelf.records, name, version, digest), reason)


def person() -> str:
    """Return who says it: never the service's own name, which would be taken for the service."""
    user = getpass.getuser()
    return f"{user} (a person)" if user == LEARNING else user


def _pin(shelf: Shelf, record: Mapping[str, Any], reason: str) -> None:
    model = shelf.models.verified(record)
    _say(shelf.desk, model.digest, model.name, model.version, person(), reason)
    print_line(
        f"{model.name} {model.version} ({model.digest.hex()[:SHORT]}) is to serve; see what "
        f"scoring did by: headrace tail {shelf.desk.charter.name}.model-audits"
    )


def _hand_back(shelf: Shelf, reason: str) -> None:
    """Say once more what was said last, as if learning had said it: nothing changes but that."""
    serving = shelf.serving
    if serving is None or serving["by"] == LEARNING:
        print_line("It is learning's choice already.")
        return
    what = serving["digest"], serving["name"], serving["version"]
    _say(shelf.desk, *what, LEARNING, f"handed back by {person()}: {reason}")
    print_line(
        f"{serving['name']} {serving['version']} goes on to serve, until learning says otherwise."
    )


def _say(desk: Desk, digest: bytes, name: str, version: str, by: str, reason: str) -> None:
    change = ServingChanged(
        role=CHAMPION,
        digest=digest,
        name=name,
        version=version,
        by=by,
        reason=reason,
        changed_at_ms=now_ms(),
    )
    channel = desk.wiring.channel(f"{desk.charter.name}.servings")
    produce_one(desk.clients, channel.topic, PERSON, channel.encode(change))
