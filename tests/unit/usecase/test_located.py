"""Finding the line of a key."""

from headrace.usecase.located import line_of, lines_of

TOML = """\
name = "x"

[events]
key = "k"
[events.checks]
"a" = { min = 0 }
[[features]]
name = "one"
[[features]]
name = "two"
[model.features]
f.mean = 1
"""


def test_tables_keys_and_elements_are_found() -> None:
    lines = lines_of(TOML)
    assert lines["name",] == 1
    assert lines["events",] == 3
    assert lines["events", "key"] == 4
    assert lines["events", "checks", "a"] == 6
    assert lines["features", 0, "name"] == 8
    assert lines["features", 1] == 9
    assert lines["model", "features", "f", "mean"] == 12


def test_what_has_no_line_stands_where_its_surroundings_do() -> None:
    lines = lines_of(TOML)
    assert line_of(("events", "checks", "a", "min"), lines) == 6
    assert line_of(("features", 1, "window"), lines) == 9
    assert line_of(("owner",), lines) is None
