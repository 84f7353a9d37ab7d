"""Opens what can be published into the events of a charter's use case."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from headrace.contracts.codec import Encoder
from headrace.contracts.registry import Registry
from headrace.contracts.schemas import load_schema
from headrace.errors import HeadraceError
from headrace.simulator.kinds import Publication
from headrace.simulator.ledger import Ledger
from headrace.simulator.mapping import Mapping
from headrace.simulator.recorded import Recorded, publications
from headrace.simulator.scenario import Drift
from headrace.simulator.seasons import SPAN_DAYS
from headrace.simulator.traffic import Traffic
from headrace.usecase.charter import Charter

SIMULATED_SCHEMA = "card-fraud/Transaction"


class Source(NamedTuple):
    """Records to publish, once."""

    publications: Iterable[Publication]
    records: int
    """How many there are."""


def events_topic(charter: Charter) -> str:
    """Return the topic of a use case's events."""
    return f"{charter.name}.events"


def simulated(
    charter: Charter,
    registry: Registry,
    events: int,
    seed: int,
    *,
    drifts: tuple[Drift, ...] = (),
    days: int = SPAN_DAYS,
    ledger: Ledger | None = None,
) -> Source:
    """Open a simulated world; the same arguments and schema id give the same bytes.

    Parameters
    ----------
    drifts
        What changes in it at an event time; at most one of each kind.
    days
        Event time that the events fill.
    ledger
        Receives the truth about what is published.

    Raises
    ------
    HeadraceError
        The charter's events are none that we simulate, or their schema is not registered.
    """
    if charter.events.schema != SIMULATED_SCHEMA:
        raise HeadraceError(
            f"{charter.name} decides {charter.events.schema}; we simulate {SIMULATED_SCHEMA} only",
            fix="Publish recorded events: --from FILE.parquet --mapping FILE.toml.",
        )
    traffic = Traffic(
        seed,
        events,
        _encoder(charter, registry),
        lateness_ms=charter.events.lateness_ms,
        duplicate_span_ms=charter.events.duplicate_span_ms,
        drifts=drifts,
        days=days,
        ledger=ledger,
    )
    return Source(traffic, events)


def recorded(
    charter: Charter, registry: Registry, path: Path, mapping: Path, limit: int | None
) -> Source:
    """Open a Parquet file of recorded events under a mapping, or its first ``limit`` rows.

    Raises
    ------
    HeadraceError
        File and mapping or mapping and events do not fit, or the schema is not registered.
    """
    fields = Mapping.load(mapping, load_schema(charter.events.schema))
    rows = Recorded(path, fields, limit)
    encode = _encoder(charter, registry)
    return Source(publications(rows, charter.events.key, encode), rows.rows)


def _encoder(charter: Charter, registry: Registry) -> Encoder:
    schema = load_schema(charter.events.schema)
    return Encoder(schema, registry.schema_id(f"{events_topic(charter)}-value", schema))
