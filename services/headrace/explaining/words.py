"""Events, decisions and dead letters in sentences that one can say on the phone."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from headrace.contracts.reasons import DeadLetterReason
from headrace.usecase.charter import Charter
from headrace.usecase.money import in_words

_DONE: Final[Mapping[str, str]] = {
    "approve": "approved",
    "review": "held for a review",
    "decline": "declined",
}
DEAD_BECAUSE: Final[Mapping[DeadLetterReason, str]] = {
    "null_value": "it has no content",
    "too_large": "it is larger than is allowed",
    "bad_framing": "its bytes do not begin as a record's must",
    "unknown_schema": "its bytes name no schema that is known for such events",
    "undecodable": "its bytes do not fit their schema",
    "trailing_bytes": "bytes are left over after it",
    "invalid_value": "one of its values is not believable",
    "future": "it says that it happened in the future",
    "key_mismatch": "it came under another key than its own",
    "id_conflict": "another event with the same id was decided before it",
    "unknown_source": "it is a label of somebody whom the charter does not know",
    "cannot_speak": "it is a label of somebody who cannot know what became of its event",
    "label_conflict": "it is a label whose source has said otherwise with the same revision",
    "orphan": "it is a label of an event of which no decision is known",
    "undeliverable": "its receiver does not take it",
    "handler_failed": "processing it failed",
}
_FALLBACKS: Final[Mapping[str, str]] = {
    "model_untrusted": "no model could be verified",
    "model_failed": "the model failed",
    "score_invalid": "the model's score was no number",
}


def moment(time_ms: int) -> str:
    """Return a time as people say it, to the minute, in UTC."""
    try:
        at = datetime.fromtimestamp(time_ms / 1_000, UTC)
    except (OverflowError, ValueError, OSError):  # what a record claims may be no date at all
        return f"{time_ms} ms after 1970"
    return f"{at.day} {at:%B %Y} at {at:%H:%M} UTC"


def timestamp(time_ms: int) -> str:
    """Return a time to the millisecond, in UTC."""
    try:
        at = datetime.fromtimestamp(time_ms / 1_000, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{time_ms} ms after 1970"
    return f"{at:%Y-%m-%d %H:%M:%S}.{time_ms % 1_000:03d}Z"


def listed(parts: Sequence[str]) -> str:
    """Return ``a, b and c``; ``a, with its part; and b`` where a part has commas of its own."""
    *before, last = parts
    if not before:
        return last
    if any(", " in part for part in parts):
        return f"{'; '.join(before)}; and {last}"
    return f"{', '.join(before)} and {last}"


def event_in_words(charter: Charter, record: Mapping[str, Any]) -> str:
    """Return what an event is: its kind, the money, who took part, and when."""
    declared = charter.events
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", declared.schema.rpartition("/")[2]).lower()
    money = in_words(record[declared.amount], record[declared.currency])
    named = [
        f"{field.removesuffix('_id').replace('_', ' ')} {value}"
        for field, value in record.items()
        if field.endswith("_id") and field != declared.id and value is not None
    ]
    who = f" ({', '.join(named)})" if named else ""
    return f"The {kind} of {money}{who} on {moment(record[declared.time])}"


def event_of_decision(charter: Charter, decision: Mapping[str, Any]) -> str:
    """Return what an event is, as far as its decision says it: the event is no longer kept."""
    declared = charter.events
    known = {
        declared.amount: decision["amount_minor"] or 0,
        declared.currency: decision["currency"] or "",
        declared.time: decision["occurred_at_ms"],
        declared.key: decision["key"],
    }
    return event_in_words(charter, known)


def decision_in_words(event: str, decision: Mapping[str, Any]) -> str:
    """Return what was decided about an event, and why."""
    acted = "was" if decision["acted"] else "would have been"
    done = _DONE.get(decision["action"], f"given the action {decision['action']}")
    sentence = f"{event} {acted} {done} because {_because(decision)}."
    if not decision["acted"]:
        sentence += " Nothing acts on that: the use case is in its shadow stage."
    if decision["late"]:
        sentence += " It came so late that some of what it is compared with may be forgotten."
    return sentence


def _because(decision: Mapping[str, Any]) -> str:
    if decision["reasons"]:
        return listed(decision["reasons"])
    cost_minor = decision["expected_cost_minor"]
    if cost_minor is None:
        return f"no rule applies to it, at a score of {decision['score']:.6g}"
    cost = in_words(cost_minor, decision["currency"] or "")
    return (
        f"no rule applies to it, and at a score of {decision['score']:.4f} that is expected to "
        f"cost least, {cost}"
    )


def dead_letter_in_words(event: str, letter: Mapping[str, Any]) -> str:
    """Return why an event was given up."""
    because = DEAD_BECAUSE.get(letter["reason"], letter["reason"])
    detail = f" ({letter['detail']})" if letter["detail"] else ""
    return f"{event} was not decided because {because}{detail}."


def fallback_in_words(fallback: str) -> str:
    """Return why the rules decided in place of the model."""
    return _FALLBACKS.get(fallback, fallback)


def times(count: int) -> str:
    """Return ``once more`` or ``3 more times``."""
    return "once more" if count == 1 else f"{count:,} more times"
