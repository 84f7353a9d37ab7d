"""How much headrace writes for an event, so that the echo writes as much."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Sizes:
    """Mean bytes of the values, and records of the changelog for each event."""

    decision: int = 480
    audit: int = 330
    change: int = 70
    changes_an_event: float = 1.0

    def as_json(self) -> dict[str, float]:
        """Return it for the echo's program."""
        return asdict(self)
