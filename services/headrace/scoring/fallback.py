"""Scoring a batch, come what may: the rows that the model cannot score are left to the rules."""

import logging
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.models.frozen import FrozenModel
from headrace.models.scored import Scored

_log = logging.getLogger("headrace.fallback")

Fallback = Literal["model_untrusted", "model_failed", "score_invalid"]
"""There is no model that could be verified; it raised; it said something that is no score."""


class Tried(NamedTuple):
    """What came of scoring a batch."""

    scores: NDArray[np.float64]
    """(n,); 0 where there is none."""
    contributions: NDArray[np.float64]
    """(n, k), of each row and feature; 0 where there is no score."""
    fallbacks: Mapping[int, Fallback]
    """By row, why there is no score."""

    def contributions_of(self, row: int) -> list[float]:
        """Return the contributions of a row: none where there is no score."""
        contributions: list[float] = self.contributions[row].tolist()
        return [] if row in self.fallbacks else contributions


class GuardedModel:
    """A model, or none, that never fails a batch.

    Parameters
    ----------
    model
        None where none could be verified.
    """

    def __init__(self, model: FrozenModel | None) -> None:
        self._model = model
        self._told: set[str] = set()

    def score(self, matrix: NDArray[np.float64]) -> Tried:
        """Score a batch (n, k); what comes of a row does not depend on the others."""
        n = len(matrix)
        if self._model is None:
            return _unscored(matrix, "model_untrusted")
        try:
            tried = self._checked(self._model, self._model.score(matrix))
        except (OSError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 -- whatever a model raises, the rules decide
            self._tell("model_failed", f"{type(error).__name__}: {error}")
            if n <= 1:
                return _unscored(matrix, "model_failed")
            tried = _joined([self.score(matrix[row : row + 1]) for row in range(n)])
        return tried

    def _checked(self, model: FrozenModel, scored: Scored) -> Tried:
        """Set apart the scores that are none."""
        low, high = model.bounds
        scores, contributions = scored.scores, scored.contributions
        valid = (scores >= low) & (scores <= high) & np.isfinite(scores)
        if valid.all():
            return Tried(scores, contributions, {})
        invalid = np.flatnonzero(~valid).tolist()
        self._tell("score_invalid", f"{scores[invalid[0]]} is not from {low} to {high}")
        return Tried(
            np.where(valid, scores, 0.0),
            np.where(valid[:, None], contributions, 0.0),
            dict.fromkeys(invalid, "score_invalid"),
        )

    def _tell(self, cause: Fallback, detail: str) -> None:
        """Log a cause the first time."""
        if cause not in self._told:
            self._told.add(cause)
            _log.error("the charter's rules decide in place of the model: %s: %s", cause, detail)


def _unscored(matrix: NDArray[np.float64], why: Fallback) -> Tried:
    return Tried(
        np.zeros(len(matrix)), np.zeros(matrix.shape), dict.fromkeys(range(len(matrix)), why)
    )


def _joined(parts: list[Tried]) -> Tried:
    """Put rows that were scored one by one together."""
    return Tried(
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.contributions for part in parts]),
        {row: part.fallbacks[0] for row, part in enumerate(parts) if part.fallbacks},
    )
