"""What the charter promises about a use case's topics, read from its file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.errors import HeadraceError

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class Terms:
    """Names, the fields of an event, and the span in which an event id repeats."""

    use_case: str
    schema: str
    """The events' schema, by its name below ``schemas/``."""
    id_field: str
    key_field: str
    time_field: str
    duplicate_span_ms: int
    amount_field: str | None = None
    currency_field: str | None = None

    @property
    def events(self) -> str:
        """The topic of the events."""
        return f"{self.use_case}.events"

    @property
    def decisions(self) -> str:
        """The topic of the decisions."""
        return f"{self.use_case}.decisions"

    @property
    def audits(self) -> str:
        """The topic of the audit records."""
        return f"{self.use_case}.audits"

    @property
    def dead_letters(self) -> str:
        """The topic of the events' dead letters."""
        return f"{self.use_case}.events.dlq"

    @property
    def group(self) -> str:
        """The consumer group that decides."""
        return f"{self.use_case}.scoring"

    @property
    def fields(self) -> list[str]:
        """The fields of an event that are looked at."""
        named = (self.id_field, self.key_field, self.time_field)
        optional = (self.amount_field, self.currency_field)
        return [*named, *(field for field in optional if field is not None)]


def load_terms(charter: Path, use_case: str | None = None) -> Terms:
    """Read a charter's file.

    Parameters
    ----------
    use_case
        Overrides the charter's name.

    Raises
    ------
    HeadraceError
        The file is missing, is no TOML, or lacks what is needed here.
    """
    try:
        document = tomllib.loads(charter.read_text(encoding="utf-8"))
        return _terms(document, use_case)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise HeadraceError(
            f"The charter {charter} cannot be read: {error}.", fix="Name one with --charter."
        ) from error
    except KeyError as error:
        raise HeadraceError(
            f"The charter {charter} lacks {error.args[0]!r}.", fix="Add it to the charter."
        ) from error


def _terms(document: dict[str, Any], use_case: str | None) -> Terms:
    events = document["events"]
    return Terms(
        use_case=use_case or document["name"],
        schema=events["schema"],
        id_field=events["id"],
        key_field=events["key"],
        time_field=events["time"],
        duplicate_span_ms=duration_ms(events["duplicate_span"]),
        amount_field=events.get("amount"),
        currency_field=events.get("currency"),
    )


def duration_ms(text: str) -> int:
    """Return a duration such as ``"7d"`` in milliseconds; units are s, m, h and d.

    Raises
    ------
    HeadraceError
        The text is no duration.
    """
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in _UNIT_MS:
        raise HeadraceError(
            f"{text!r} is no duration.", fix="Write a whole number and s, m, h or d, as in 7d."
        )
    return int(number) * _UNIT_MS[unit]
