"""Where the benchmark's own files lie: the charter and the peers' programs."""

from pathlib import Path

from headrace.contracts.location import shipped
from headrace.scoring.settings import ScoringSettings


def programs() -> Path:
    """Return the folder of the peers' programs."""
    return _own("peers")


def charter() -> Path:
    """Return the charter of the job."""
    return _own("charter.toml")


def home() -> Path:
    """Return the folder for what a benchmark makes."""
    return ScoringSettings().home.absolute() / "bench"


def _own(name: str) -> Path:
    return shipped("deploy").parent / "bench" / name
