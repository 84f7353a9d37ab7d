"""Where in a TOML file a key stands, so that an error can say it."""

import re
from collections import Counter

KeyPath = tuple[str | int, ...]

_TABLE = re.compile(r"\s*(\[\[?)\s*([\w.\s\"'-]+?)\s*\]")
_KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")


def lines_of(toml: str) -> dict[KeyPath, int]:
    """Map the path of every table and key that starts a line to its line number.

    Keys inside of inline tables stand with their table's key.
    """
    lines: dict[KeyPath, int] = {}
    elements: Counter[KeyPath] = Counter()
    table: KeyPath = ()
    for number, line in enumerate(toml.splitlines(), start=1):
        if header := _TABLE.match(line):
            table = _split(header[2])
            if header[1] == "[[":
                elements[table] += 1
                table = (*table, elements[table] - 1)
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_split(key[1])), number)
    return lines


def line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int | None:
    """Return the line of a key, or of the nearest thing around it that has one."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


def _split(dotted: str) -> KeyPath:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
