"""The published models of a use case, and putting more beside them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Final, Self

from headrace.chassis.produce import produce_together
from headrace.chassis.table import Table
from headrace.chassis.topology import Channel
from headrace.commands.desk import Desk
from headrace.errors import HeadraceError
from headrace.learning.shelving import to_produce
from headrace.models.choice import to_serve as chosen_to_serve
from headrace.models.publication import Publication
from headrace.scoring.published import PublishedModels
from headrace.scoring.settings import ScoringSettings

SHORT: Final = 16
"""Digits of a digest that people are shown."""
_TIMEOUT_S: Final = 30.0

Record = Mapping[str, Any]
"""A ``ModelPublished``."""


@dataclass(frozen=True)
class Shelf:
    """The published models of a use case."""

    desk: Desk
    models: PublishedModels
    records: list[dict[str, Any]]
    """In the order in which they were published."""
    serving: Mapping[str, Any] | None
    """The ``ServingChanged`` that counts; None where nobody has said anything yet."""

    @classmethod
    def open(cls, charter: Path | None) -> Self:
        """Read what was published for a charter; for the shipped one where none is given."""
        desk = Desk.open(charter, _TIMEOUT_S)
        models, chunks, servings = (
            _channel(desk, plural) for plural in ("models", "model-chunks", "servings")
        )
        published = PublishedModels(
            desk.clients,
            models,
            chunks,
            ScoringSettings().trusted_keys,
            desk.charter.feature_set.digest,
        )
        table = Table(desk.clients, servings.topic, servings.decode)
        try:
            table.open(_TIMEOUT_S)
            return cls(desk, published, published.all(), chosen_to_serve(table.records))
        finally:
            table.close()


def put(desk: Desk, publications: Iterable[Publication]) -> None:
    """Publish models in one transaction, the chunks before what names them.

    Raises
    ------
    HeadraceError
        The broker does not take them.
    """
    models, chunks = _channel(desk, "models"), _channel(desk, "model-chunks")
    produce_together(desk.clients, to_produce(publications, models, chunks))


def chosen(
    records: Sequence[dict[str, Any]],
    name: str | None = None,
    version: str | None = None,
    digest: str | None = None,
) -> dict[str, Any]:
    """Return the one that is meant, by name, version and the first digits of the digest.

    Where several fit, it is the one that was published last; a digest's digits must name one.

    Raises
    ------
    HeadraceError
        None fits, or the digits are those of several.
    """
    found = [
        each
        for each in records
        if name in (None, each["name"])
        and version in (None, each["version"])
        and each["digest"].hex().startswith((digest or "").lower())
    ]
    if not found:
        wanted = " ".join(part for part in (name, version, digest) if part)
        raise HeadraceError(
            f"No model {wanted} was published.", fix="See which were: headrace models list"
        )
    if digest is not None and len(found) > 1:
        raise HeadraceError(
            f"{len(found)} models have a digest that begins with {digest!r}.",
            fix="Write more of its digits.",
        )
    return found[-1]


def to_serve(model: Record, charter: Path | None) -> str:
    """Return the command that lets a published model serve; the reason is its user's to say."""
    named = f"{model['name']} --digest {model['digest'].hex()[:SHORT]} --reason TEXT"
    return f"headrace models serve {named}" + (
        f" --charter {quote(str(charter))}" if charter else ""
    )


def _channel(desk: Desk, plural: str) -> Channel:
    return desk.wiring.channel(f"{desk.charter.name}.{plural}")
