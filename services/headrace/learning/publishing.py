"""From what was learned to published models: frozen, compared, signed."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headrace.errors import HeadraceError
from headrace.learning.standing import Standing
from headrace.models.frozen import FrozenModel
from headrace.models.learned import learned
from headrace.models.publication import Publication, publication
from headrace.usecase.charter import Charter

TOLERANCE: Final = 1e-9


class Release(NamedTuple):
    """The models as they stood at an outcome."""

    published: dict[str, Publication]
    """By name."""
    refused: dict[str, str]
    """By name, why it must not be published."""


class Publishing:
    """Freezes, checks and signs models.

    Parameters
    ----------
    charter
        Declares them.
    key
        Signs them.
    clock
        Milliseconds since the epoch.
    """

    def __init__(self, charter: Charter, key: Ed25519PrivateKey, clock: Callable[[], int]) -> None:
        self._charter = charter
        self._key = key
        self._clock = clock

    def release(
        self, standing: Standing, *, is_retrained: bool = False, reason: str = ""
    ) -> Release:
        """Return all models as they are now.

        A frozen model must say of the latest outcomes what the one that learns says of them.

        Parameters
        ----------
        is_retrained
            Whether they have learned anew from what the events are held to be in the end.
        reason
            Why, where somebody has said so.
        """
        release = Release({}, {})
        now_ms, fold = self._clock(), standing.fold
        recent = np.array(standing.recent, np.float64)
        said = [fold.predict(vector) for vector in standing.recent]
        for name in fold.names:
            try:
                each = fold.freeze_one(name)
            except HeadraceError as error:
                release.refused[name] = str(error)
                continue
            artefact = learned(
                self._charter,
                name,
                each,
                fold.taken,
                now_ms,
                standing.position,
                is_retrained=is_retrained,
                reason=reason,
            )
            scores = FrozenModel(artefact).score(recent).scores
            expected = np.array([one[name] for one in said])
            if np.allclose(scores, expected, rtol=0, atol=TOLERANCE):
                release.published[name] = publication(artefact, self._key, now_ms)
            else:
                apart = float(np.abs(scores - expected).max())
                release.refused[name] = f"frozen, it says something else, by up to {apart:.3g}"
        return release
