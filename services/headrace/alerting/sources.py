"""What signals and evaluations say, in alerting's own words."""

from headrace.alerting.causes import Cleared, Raised
from headrace.contracts.records import EvaluationMade, SignalChanged

_ALL = "all"
"""The source of labels that stands for all of them. One source by itself says nothing of the money:
appeals speak of declined events alone, and of each that it cost something (docs/evaluations.md)."""
_SERVED = "served"
"""The name under which whatever decided is evaluated (docs/evaluations.md)."""


def of_signal(signal: SignalChanged, place: str, traceparent: str) -> Raised | Cleared:
    """Return what a drift signal says."""
    kind, subject = signal["kind"], signal["subject"]
    if signal["state"] == "cleared":
        return Cleared(kind, subject, signal["signal_id"], signal["reason"])
    summary = f"{subject}: {signal['measure']} is {signal['after']:.4g}, was {signal['before']:.4g}"
    return Raised(kind, subject, signal["signal_id"], summary, place, traceparent)


def of_evaluation(
    evaluation: EvaluationMade, place: str, traceparent: str
) -> Raised | Cleared | None:
    """Return what a window's final result says of the money; None where it says nothing."""
    saved, of_whom = evaluation["saved_minor"], (evaluation["model"], evaluation["label_source"])
    if of_whom != (_SERVED, _ALL) or not evaluation["final"] or saved is None:
        return None
    subject = "cost"
    if saved >= 0:
        return Cleared("cost", subject, None, "decisions cost no more than approving all would")
    window, currency = evaluation["window_end_ms"], evaluation["currency"] or ""
    summary = (
        f"decisions cost {-saved:,} {currency} (minor units) more than approving everything would "
        f"have, over {evaluation['priced']:,} events"
    )
    return Raised("cost", subject, f"{subject}@{window}", summary, place, traceparent)
