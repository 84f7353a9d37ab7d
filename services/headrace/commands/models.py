"""``headrace models freeze|list|show``: the models that there are, and which of them serves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.commands.console import print_json, print_table, results
from headrace.commands.shelf import SHORT, Record, Shelf, chosen
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.explaining.words import timestamp
from headrace.models.manifest import LearnedLineage, Manifest
from headrace.models.publication import manifest_of
from headrace.scoring.provision import freeze as freeze_model
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter


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
    shelf = Shelf.open(charter)
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
            "digest": row["digest"][:SHORT],
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
    shelf = Shelf.open(charter)
    named = [each for each in shelf.records if each["name"] == model]
    record = named[-1] if named else chosen(shelf.records, digest=model)
    manifest = manifest_of(record)
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


def _row(record: Record, serving: Record | None) -> dict[str, Any]:
    manifest = manifest_of(record)
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
            "sha256": spec.sha256[:SHORT],
        }
        for name, spec in manifest.arrays.items()
    ]
    print_table("Its arrays", arrays)
