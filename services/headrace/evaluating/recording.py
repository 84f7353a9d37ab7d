"""Evaluations as records."""

from collections.abc import Iterable, Iterator, Mapping

from headrace.contracts.records import EvaluationMade
from headrace.evaluating.evaluator import Evaluation


def evaluations_made(
    evaluations: Iterable[Evaluation],
    use_case: str,
    versions: Mapping[str, str],
    currency: str | None,
) -> Iterator[EvaluationMade]:
    """Yield the record of each evaluation.

    Parameters
    ----------
    versions
        By model, the latest one; empty where a model is not among them.
    currency
        That of the outcomes' costs.
    """
    for each in evaluations:
        counts, has_costs = each.counts, each.counts.priced > 0
        yield {
            "use_case": use_case,
            "model": each.model,
            "model_version": versions.get(each.model, ""),
            "label_source": each.label_source,
            "window_start_ms": each.window_start_ms,
            "window_end_ms": each.window_end_ms,
            "final": each.final,
            "outcomes": each.outcomes,
            "known_at_ms": each.known_at_ms,
            "positives": counts.positives,
            "negatives": counts.negatives,
            "censored": counts.censored,
            "log_loss": each.measures.log_loss,
            "roc_auc": each.measures.roc_auc,
            "average_precision": each.measures.average_precision,
            "precision_at_capacity": each.measures.precision_at_capacity,
            "calibration_error": each.measures.calibration_error,
            "mean_score": each.measures.mean_score,
            "positive_share": each.measures.positive_share,
            "priced": counts.priced,
            "currency": currency if has_costs else None,
            "cost_minor": counts.cost_minor if has_costs else None,
            "cost_of_approving_minor": counts.approving_minor if has_costs else None,
            "saved_minor": counts.approving_minor - counts.cost_minor if has_costs else None,
        }
