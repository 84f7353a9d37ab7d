"""``headrace models``: the models that were published, and which of them serves."""

import getpass
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from headrace.chassis.produce import produce_one
from headrace.chassis.table import Table
from headrace.commands.console import print_json, print_table, results
from headrace.commands.desk import Desk
from headrace.contracts.records import ServingChanged
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.explaining.words import timestamp
from headrace.models.manifest import LearnedLineage, Manifest
from headrace.scoring.provision import freeze as freeze_model
from headrace.scoring.published import PublishedModels
from headrace.scoring.served import CHAMPION
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter

_TIMEOUT_S: Final = 30.0
_SHORT: Final = 16

Record = Mapping[str, Any]
"""A ``ModelPublished``."""


class _Shelf(NamedTuple):
    """The published models of a use case."""

    desk: Desk
    models: PublishedModels
    records: list[dict[str, Any]]
    """In the order in which they were published."""
    serving: Record | None
    """The ``ServingChanged`` that counts; None where nobody has said anything yet."""


def freeze(*, charter: Path | None = None, json: bool = False) -> None:
    """Freeze the charter's scorecard as a signed model, which serves until one is published.

    Parameters
    ----------
    charter
        The use case's charter; the shipped one where not given.
    json
        Print what was frozen as JSON.
    """
    settings = ScoringSettings()
    loaded = Charter.load(charter or settings.charter, field_names)
    artefact = freeze_model(settings, loaded)
    folder = settings.model_folder(loaded.name)
    name, version = artefact.manifest.name, artefact.manifest.version
    if json:
        print_json(
            {"name": name, "version": version, "digest": artefact.digest, "folder": str(folder)}
        )
    else:
        results.print(f"{name} {version} ({artefact.digest.hex()[:16]}) is frozen in {folder}")


def list_(*, charter: Path | None = None, json: bool = False) -> None:
    """List what was published, oldest first, and which of it is to serve.

    Parameters
    ----------
    charter
        The use case's charter; the shipped one where not given.
    json
        Print JSON.
    """
    shelf = _shelf(charter)
    rows = [_row(record, shelf.serving) for record in shelf.records]
    if json:
        print_json(rows)
        return
    short = [
        {
            "name": row["name"],
            "version": row["version"],
            "family": row["family"],
            "outcomes": "" if row["outcomes"] is None else row["outcomes"],
            "digest": row["digest"][:_SHORT],
            "published": timestamp(row["published_at_ms"]),
            "serves": "yes" if row["serves"] else "",
        }
        for row in rows
    ]
    print_table(f"The published models of {shelf.desk.charter.name}", short)
    if shelf.serving is None:
        results.print("None was told to serve: the model in the folder does.", highlight=False)


def show(model: str, *, charter: Path | None = None, json: bool = False) -> None:
    """Show the whole manifest of a published model: what it is, and where it comes from.

    Parameters
    ----------
    model
        Its name, for the latest version, or the first digits of its digest.
    charter
        The use case's charter; the shipped one where not given.
    json
        Print JSON.
    """
    shelf = _shelf(charter)
    named = [each for each in shelf.records if each["name"] == model]
    record = named[-1] if named else chosen(shelf.records, digest=model)
    manifest = _manifest(record)
    if manifest is None:
        raise HeadraceError(
            f"The manifest of {record['name']} {record['version']} is not one of format 1.",
            fix="Publish it again.",
        )
    described = {
        **_row(record, shelf.serving),
        "signed_by": record["signature"][:8],
        "manifest": manifest.model_dump(mode="json"),
    }
    if json:
        print_json(described)
    else:
        _show(described, manifest)


def serve(
    name: str,
    version: str | None = None,
    *,
    digest: str | None = None,
    reason: str,
    charter: Path | None = None,
) -> None:
    """Let a published model serve; scoring takes it over within seconds, between two batches.

    It is verified first, with the keys that are trusted here.

    Parameters
    ----------
    name
        Of the model.
    version
        The one that was published last where not given.
    digest
        The first digits of its digest, where a version was published more than once.
    reason
        Why; it is kept beside your name.
    charter
        The use case's charter; the shipped one where not given.
    """
    if not reason.strip():
        raise HeadraceError("A reason is not empty.", fix="Say why.")
    shelf = _shelf(charter)
    record = chosen(shelf.records, name, version, digest)
    model = shelf.models.verified(record)
    change = ServingChanged(
        role=CHAMPION,
        digest=model.digest,
        name=model.name,
        version=model.version,
        by=getpass.getuser(),
        reason=reason,
        changed_at_ms=time.time_ns() // 1_000_000,
    )
    channel = shelf.desk.wiring.channel(f"{shelf.desk.charter.name}.servings")
    produce_one(shelf.desk.clients, channel.topic, CHAMPION, channel.encode(change))
    results.print(
        f"{model.name} {model.version} ({model.digest.hex()[:_SHORT]}) is to serve; see what "
        f"scoring did by: headrace tail {shelf.desk.charter.name}.model-audits",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


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


def _shelf(charter: Path | None) -> _Shelf:
    desk = Desk.open(charter, _TIMEOUT_S)
    models, chunks, servings = (
        desk.wiring.channel(f"{desk.charter.name}.{plural}")
        for plural in ("models", "model-chunks", "servings")
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
        return _Shelf(desk, published, published.all(), table.records.get(CHAMPION))
    finally:
        table.close()


def _row(record: Record, serving: Record | None) -> dict[str, Any]:
    manifest = _manifest(record)
    lineage = manifest.lineage if manifest else None
    return {
        "name": record["name"],
        "version": record["version"],
        "family": manifest.family if manifest else "unreadable",
        "outcomes": lineage.outcomes if isinstance(lineage, LearnedLineage) else None,
        "digest": record["digest"].hex(),
        "published_at_ms": record["published_at_ms"],
        "serves": serving is not None and serving["digest"] == record["digest"],
    }


def _manifest(record: Record) -> Manifest | None:
    """Return what the record says of itself; who signed it is not looked at."""
    try:
        return Manifest.model_validate_json(record["manifest"])
    except ValidationError:
        return None


def _show(described: Mapping[str, Any], manifest: Manifest) -> None:
    told = {
        **{name: described[name] for name in ("name", "version", "family", "digest")},
        "signed by": described["signed_by"].hex(),
        "created": timestamp(manifest.created_at_ms),
        "published": timestamp(described["published_at_ms"]),
        "serves": "yes" if described["serves"] else "no",
        "share of negatives": f"{manifest.negatives_share:g}",
        **{f"lineage: {name}": value for name, value in manifest.lineage},
        "feature set": manifest.feature_set,
        "features": ", ".join(manifest.features),
    }
    print_table(
        f"The model {manifest.name} {manifest.version}",
        [{"": name, "value": value} for name, value in told.items()],
    )
    arrays = [
        {
            "array": name,
            "shape": " x ".join(f"{size:,}" for size in spec.shape) or "1",
            "dtype": spec.dtype,
            "sha256": spec.sha256[:_SHORT],
        }
        for name, spec in manifest.arrays.items()
    ]
    print_table("Its arrays", arrays)
