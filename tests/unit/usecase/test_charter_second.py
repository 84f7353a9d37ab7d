"""Another kind of charter: no part of the platform knows what the first one is about."""

import re
from pathlib import Path

import headrace
from headrace.contracts.schemas import field_names
from headrace.usecase.charter import Charter

DEMAND = Path(__file__).parents[2] / "support/charters/demand.toml"
SERVICES = Path(headrace.__file__).parent


def test_a_regression_over_another_event_is_a_charter() -> None:
    charter = Charter.load(DEMAND, field_names)
    assert charter.model.family == "linear"
    assert charter.values is None
    assert charter.review_capacity is None
    assert charter.fairness is None


def test_no_code_of_a_service_knows_the_word_fraud() -> None:
    """But for the name of the charter that is shipped, by which it is the default."""
    told = {
        f"{path.relative_to(SERVICES)}: {line.strip()}"
        for part in ("chassis", "contracts", "models", "scoring", "usecase", "verification")
        for path in (SERVICES / part).rglob("*.py")
        for line in path.read_text().splitlines()
        if "fraud" in re.sub(r"card-fraud(\.toml|/Transaction)?", "", line.lower())
    }
    assert told == set()
