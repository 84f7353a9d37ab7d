"""Beside what was learned online: the same labels and vectors, learned in one batch."""

import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headrace.backtesting.protocol import Measured, Protocol
from headrace.backtesting.record import Record
from headrace.models.frozen import among_all

_SEED: Final = 1
_CLASSES: Final = 2


def is_installed() -> bool:
    """Tell whether there is what learns in batches."""
    try:
        import sklearn  # noqa: F401 -- to see whether it is there
    except ImportError:
        return False
    return True


def in_one_batch(record: Record, protocol: Protocol, negatives_share: float) -> dict[str, Measured]:
    """Train on all kept events whose label is known when the test week begins, and measure.

    Nothing comes of it where not both of positives and negatives are known by then.

    Raises
    ------
    ImportError
        scikit-learn is not installed.
    """
    rows, matrix = record.kept
    is_positive = record.is_positive[rows]
    known = record.known_at_ms[rows] <= protocol.test_from_ms
    tested = np.isin(rows, protocol.rows)
    if not tested.any() or len(np.unique(is_positive[known])) < _CLASSES:
        return {}  # nothing to learn from, or nothing to measure
    measured = {}
    for name, model in _models().items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of convergence: what comes of it is measured
            model.fit(matrix[known], is_positive[known])
        scores = np.full(len(record.event_ids), np.nan)
        found: NDArray[np.float64] = model.predict_proba(matrix[tested])[:, 1]
        scores[rows[tested]] = among_all(found, negatives_share)
        measured[f"in one batch: {name}"] = protocol.measure(scores)
    return measured


def _models() -> dict[str, Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return {
        "logistic regression": make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, max_iter=300)
        ),
        "random forest of 100": RandomForestClassifier(
            100, min_samples_leaf=3, n_jobs=-1, random_state=_SEED
        ),
        "boosted trees": HistGradientBoostingClassifier(random_state=_SEED),
    }
