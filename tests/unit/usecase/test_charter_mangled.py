"""Whatever stands in a charter, it is right or its errors are told: nothing crashes."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.contracts.location import shipped
from headrace.contracts.schemas import field_names
from headrace.usecase.charter import Charter
from headrace.usecase.problems import CharterError
from headrace.usecase.toml import value_as_toml

DOCUMENT = tomllib.loads((shipped("deploy") / "charters/card-fraud.toml").read_text())
ODD = [0, -1, 2.5, 10**400, True, "", "odd", [], [1], [[]], {}, {"odd": 1}, [{}], [{"name": "x"}]]


def paths(value: Any, at: tuple = ()) -> list[tuple]:
    """Return the path of everything in a document."""
    children = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        children = enumerate(value)
    inner = [path for key, part in children for path in paths(part, (*at, key))]
    return [*([at] if at else []), *inner]


def mangled(document: Any, path: tuple, odd: Any) -> Any:
    """Put something odd, or nothing where it is None, in the place of what is at a path."""
    changed = copy.deepcopy(document)
    inner = changed
    for part in path[:-1]:
        inner = inner[part]
    if odd is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = odd
    return changed


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(path=st.sampled_from(paths(DOCUMENT)), odd=st.sampled_from([None, *ODD]))
def test_a_charter_with_anything_in_any_place_is_right_or_its_errors_are_told(
    tmp_path: Path, path, odd
) -> None:
    document = mangled(DOCUMENT, path, odd)
    file = tmp_path / "charter.toml"
    lines = [f"{key} = {value_as_toml(value)}" for key, value in document.items()]
    file.write_text("\n".join(lines))
    try:
        Charter.load(file, field_names)
    except CharterError as error:
        for finding in error.findings:
            assert 1 <= finding.line <= len(lines)
            assert finding.message


def test_written_as_toml_a_charter_is_the_same(tmp_path: Path) -> None:
    text = "\n".join(f"{key} = {value_as_toml(value)}" for key, value in DOCUMENT.items())
    assert tomllib.loads(text) == DOCUMENT


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_file_of_one_odd_key_lacks_everything_else(tmp_path: Path, odd) -> None:
    (tmp_path / "charter.toml").write_text(f"events = {value_as_toml(odd)}\n")
    with pytest.raises(CharterError) as caught:
        Charter.load(tmp_path / "charter.toml", field_names)
    assert {"owner", "budget", "stop"} <= {finding.key for finding in caught.value.findings}
