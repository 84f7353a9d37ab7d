"""Where learning finds its charter and its key, and how often it takes snapshots."""

from pydantic import Field

from headrace.chassis.settings import UseCaseSettings


class LearningSettings(UseCaseSettings):
    """``HEADRACE_<NAME>`` sets each."""

    snapshot_every: int = Field(default=20_000, ge=1)
    """Outcomes: so many are learned again after a restart, at most; that takes about a minute."""
