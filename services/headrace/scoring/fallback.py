"""Scoring a batch, come what may: the rows that the model cannot score are left to the rules."""

import logging
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.models.linear import FrozenLinear, Scored

_log = logging.getLogger("headrace.fallback")

Fallback = Literal["model_untrusted", "model_failed", "score_invalid"]
"""There is no model that could be verified; it raised; it said something that is no score."""


class Tried(NamedTuple):
    """What came of scoring a batch."""

    scores: NDArray[np.float64]
    """(n,); 0 where there is none."""
    contributions: list[list[float]]
    """Of each row and feature; empty where there is no score."""
    fallbacks: Mapping[int, Fallback]
    """By row, why there is no score."""


class GuardedModel:
    """A model, or none, that never fails a batch.

    Parameters
    ----------
    model
        None where none could be verified.
    """

    def __init__(self, model: FrozenLinear | None) -> None:
        self._model = model
        self._told: set[str] = set()

    def score(self, matrix: NDArray[np.float64]) -> Tried:
        """Score a batch (n, k); what comes of a row does not depend on the others."""
        n = len(matrix)
        if self._model is None:
            return Tried(np.zeros(n), [[]] * n, dict.fromkeys(range(n), "model_untrusted"))
        try:
            tried = self._checked(self._model, self._model.score(matrix))
        except (OSError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 -- whatever a model raises, the rules decide
            self._tell("model_failed", f"{type(error).__name__}: {error}")
            if n <= 1:
                return Tried(np.zeros(n), [[]] * n, dict.fromkeys(range(n), "model_failed"))
            tried = _joined([self.score(matrix[row : row + 1]) for row in range(n)])
        return tried

    def _checked(self, model: FrozenLinear, scored: Scored) -> Tried:
        """Set apart the scores that are none."""
        low, high = model.bounds
        scores, contributions = scored.scores, scored.contributions.tolist()
        valid = (scores >= low) & (scores <= high) & np.isfinite(scores)
        if valid.all():
            return Tried(scores, contributions, {})
        invalid = np.flatnonzero(~valid).tolist()
        self._tell("score_invalid", f"{scores[invalid[0]]} is not from {low} to {high}")
        for row in invalid:
            contributions[row] = []
        return Tried(
            np.where(valid, scores, 0.0), contributions, dict.fromkeys(invalid, "score_invalid")
        )

    def _tell(self, cause: Fallback, detail: str) -> None:
        """Log a cause the first time."""
        if cause not in self._told:
            self._told.add(cause)
            _log.error("the charter's rules decide in place of the model: %s: %s", cause, detail)


def _joined(parts: list[Tried]) -> Tried:
    """Put rows that were scored one by one together."""
    return Tried(
        np.concatenate([part.scores for part in parts]),
        [part.contributions[0] for part in parts],
        {row: part.fallbacks[0] for row, part in enumerate(parts) if part.fallbacks},
    )
