"""``headrace models publish``: the model in the folder goes where the learned ones are."""

from pathlib import Path

from headrace.chassis.clock import now_ms
from headrace.commands.console import print_json, print_line
from headrace.commands.desk import Desk
from headrace.commands.shelf import SHORT, put, to_serve
from headrace.models.artefact import read_artefact, read_signed
from headrace.models.frozen import FrozenModel
from headrace.models.keys import load_trusted
from headrace.models.publication import publication_of
from headrace.scoring.settings import ScoringSettings

_TIMEOUT_S = 30.0


def publish(*, charter: Path | None = None, json: bool = False) -> None:
    """Publish the model in the use case's folder, the frozen scorecard, so that it can be named.

    It is verified first, with the keys that are trusted here, and goes out with the signature that
    it has. Who serves does not change. To publish it again changes nothing.

    Parameters
    ----------
    charter
        The use case's charter; the shipped one where not given.
    json
        Print what was published as JSON.
    """
    settings, desk = ScoringSettings(), Desk.open(charter, _TIMEOUT_S)
    folder = settings.model_folder(desk.charter.name)
    trusted = load_trusted(settings.trusted_keys)
    artefact = read_artefact(folder, trusted, desk.charter.feature_set.digest)
    model = FrozenModel(artefact)
    put(desk, [publication_of(artefact, read_signed(folder), now_ms())])
    published = {"name": model.name, "version": model.version, "digest": model.digest}
    if json:
        print_json(published)
        return
    print_line(f"{model.name} {model.version} ({model.digest.hex()[:SHORT]}) is published.")
    print_line(f"To let it serve: {to_serve(published, charter)}")
