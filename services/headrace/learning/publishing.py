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


class _Lineage(NamedTuple):
    """What all models of a release have in common."""

    now_ms: int
    is_retrained: bool
    reason: str


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
        lineage = _Lineage(self._clock(), is_retrained, reason)
        for name in standing.fold.names:
            try:
                release.published[name] = self._checked(standing, name, lineage)
            except (OSError, MemoryError):
                raise
            except Exception as error:  # noqa: BLE001 -- whatever one raises, the others go on
                release.refused[name] = f"{type(error).__name__}: {error}"
        return release

    def _checked(self, standing: Standing, name: str, lineage: _Lineage) -> Publication:
        """Return a model frozen, compared with the one that learns, and signed.

        Raises
        ------
        HeadraceError
            It has learned numbers that are not finite, or says something else when it is frozen.
        """
        fold = standing.fold
        artefact = learned(
            self._charter,
            name,
            fold.freeze_one(name),
            fold.taken,
            lineage.now_ms,
            standing.position,
            is_retrained=lineage.is_retrained,
            reason=lineage.reason,
        )
        scores = FrozenModel(artefact).score(np.array(standing.recent, np.float64)).scores
        expected = np.array([fold.predict(vector)[name] for vector in standing.recent])
        if not np.allclose(scores, expected, rtol=0, atol=TOLERANCE):
            apart = float(np.abs(scores - expected).max())
            raise HeadraceError(f"Frozen, it says something else, by up to {apart:.3g}.")
        return publication(artefact, self._key, lineage.now_ms)
