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


def test_what_only_looks_like_a_key_or_a_table_is_passed_over() -> None:
    text = 'text = """\na = 1\n[b]\n"""\n'
    array = 'list = [ # [c]\n  "]",\n  { d = 1, e.f = [2] },\n]\n'
    lines = lines_of(f"{text}{array}last = 1.5e-3\n")
    assert lines == {
        ("text",): 1,
        ("list",): 5,
        ("list", 0): 6,
        ("list", 1): 7,
        ("list", 1, "d"): 7,
        ("list", 1, "e", "f"): 7,
        ("list", 1, "e", "f", 0): 7,
        ("last",): 9,
    }


def test_a_table_within_an_array_of_tables_is_in_its_last_element() -> None:
    lines = lines_of("[[a]]\n[[a]]\n[a.b]\nc = 1\n[[a.d]]\ne = 1979-05-27 07:32:00.5\n")
    assert lines["a", 1, "b", "c"] == 4
    assert lines["a", 1, "d", 0, "e"] == 6
