"""``headrace models``: the models that serve."""

from pathlib import Path

from headrace.commands.console import print_json, results
from headrace.contracts.schemas import field_names
from headrace.scoring.provision import freeze as freeze_model
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter


def freeze(*, charter: Path | None = None, json: bool = False) -> None:
    """Freeze the charter's scorecard as a signed model, for scoring to serve from its next start.

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
