"""A signed model to begin with: the charter's scorecard, frozen."""

from headrace.chassis.clock import now_ms
from headrace.models.artefact import Artefact
from headrace.models.keys import generate_key, load_key
from headrace.models.scorecard import freeze_scorecard
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter


def freeze(settings: ScoringSettings, charter: Charter) -> Artefact:
    """Freeze the charter's scorecard where scoring will look for its model.

    The signing key is the one in the settings' folder; where there is none yet, one is made, and
    trusted.
    """
    private = settings.signing_key
    key = load_key(private) if private.exists() else generate_key(private, settings.trusted_keys)
    folder = settings.model_folder(charter.name)
    return freeze_scorecard(charter, folder, key, now_ms())
