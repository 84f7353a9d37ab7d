"""``headrace lists add|remove|show``: the entities that a charter's rules look at, at run time."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace.chassis.clients import Clients
from headrace.chassis.clock import now_ms
from headrace.chassis.produce import produce_one
from headrace.chassis.settings import KafkaSettings
from headrace.chassis.table import Table
from headrace.chassis.topology import Channel
from headrace.chassis.wiring import Wiring
from headrace.commands.console import print_json, print_table, results
from headrace.contracts.records import EntityListed
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.topics import load_topics
from headrace.errors import HeadraceError
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter
from headrace.usecase.entities import entity_key
from headrace.usecase.problems import unknown
from headrace.usecase.rules import list_names

_TIMEOUT_S = 30.0


def add(name: str, entity: str, *, reason: str, charter: Path | None = None) -> None:
    """Put an entity on a list; scoring knows it within a second.

    Parameters
    ----------
    name
        One of the lists that the charter's rules look at.
    entity
        The value of the event's field, as a card's token.
    reason
        Why; it is kept beside your name.
    charter
        The use case's charter; the shipped one where not given.
    """
    _change(name, entity, reason, charter, listed=True)
    results.print(f"{entity} is on the list {name}", highlight=False, markup=False)


def remove(name: str, entity: str, *, reason: str, charter: Path | None = None) -> None:
    """Take an entity off a list; scoring knows it within a second.

    Parameters
    ----------
    name
        One of the lists that the charter's rules look at.
    entity
        The value of the event's field.
    reason
        Why; it is kept beside your name.
    charter
        The use case's charter; the shipped one where not given.
    """
    _change(name, entity, reason, charter, listed=False)
    results.print(f"{entity} is not on the list {name}", highlight=False, markup=False)


def show(
    name: str | None = None,
    *,
    removed: bool = False,
    charter: Path | None = None,
    json: bool = False,
) -> None:
    """Show who is on the lists, since when, by whom and why.

    Parameters
    ----------
    name
        Only this list.
    removed
        Show also who was taken off.
    charter
        The use case's charter; the shipped one where not given.
    json
        Print JSON.
    """
    declared = _load(charter)
    if name is not None:
        _require(name, declared)
    entries = [
        entry
        for entry in _entries(declared)
        if name in (None, entry["list"]) and (removed or entry["listed"])
    ]
    if json:
        print_json(entries)
    else:
        print_table(f"The lists of {declared.name}", [_row(entry) for entry in entries])


def _change(name: str, entity: str, reason: str, charter: Path | None, *, listed: bool) -> None:
    declared = _load(charter)
    _require(name, declared)
    if not entity or not reason.strip():
        raise HeadraceError("An entity and a reason are not empty.", fix="Say who, and why.")
    change = EntityListed(
        list=name,
        entity=entity,
        listed=listed,
        reason=reason,
        by=getpass.getuser(),
        changed_at_ms=now_ms(),
    )
    channel = _channel(declared)
    key = entity_key(name, entity)
    produce_one(Clients(KafkaSettings()), channel.topic, key, channel.encode(change))


def _entries(charter: Charter) -> list[dict[str, Any]]:
    channel = _channel(charter)
    table = Table(Clients(KafkaSettings()), channel.topic, channel.decode)
    try:
        table.open(_TIMEOUT_S)
        return [dict(table.records[key]) for key in sorted(table.records)]
    finally:
        table.close()


def _row(entry: dict[str, Any]) -> dict[str, object]:
    since = datetime.fromtimestamp(entry["changed_at_ms"] // 1_000, UTC)
    return {
        "list": entry["list"],
        "entity": entry["entity"],
        "listed": "yes" if entry["listed"] else "no",
        "since": f"{since:%Y-%m-%d %H:%M:%S}Z",
        "by": entry["by"],
        "reason": entry["reason"],
    }


def _load(charter: Path | None) -> Charter:
    return Charter.load(charter or ScoringSettings().charter)


def _channel(charter: Charter) -> Channel:
    topics = load_topics(charter.name, charter.events.schema)
    return Wiring(topics, Registry(RegistrySettings())).channel(f"{charter.name}.entities")


def _require(name: str, charter: Charter) -> None:
    known = list_names(charter.rules)
    if name not in known:
        raise HeadraceError(
            f"No rule of {charter.name} looks at that list: {unknown('list', name, known)}.",
            fix="Name one of the charter's lists, or add a rule that looks at it.",
        )
