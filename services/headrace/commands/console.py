"""How every command speaks: results on stdout, everything else on stderr.

``NO_COLOR`` and pipes are honoured by rich itself; progress is shown on a terminal only.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

results = Console()
errors = Console(stderr=True)


def print_json(value: object) -> None:
    """Write one JSON document, bytes as hexadecimal, to stdout."""
    encoded = orjson.dumps(as_json(value), option=orjson.OPT_INDENT_2)
    sys.stdout.write(encoded.decode() + "\n")


def print_json_line(value: object) -> None:
    """Write one JSON document on one line, bytes as hexadecimal, to stdout."""
    sys.stdout.write(orjson.dumps(as_json(value)).decode() + "\n")


def print_table(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as a table; the first row's keys are the headings."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for heading in rows[0] if rows else ():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(f"{cell:,}" if type(cell) is int else str(cell) for cell in row.values()))
    results.print(table)


def print_line(line: str) -> None:
    """Write a line as it is, however long, to stdout."""
    results.print(line, highlight=False, markup=False, soft_wrap=True)


def progress(message: str) -> None:
    """Write one plain line about long work to stderr."""
    errors.print(message, highlight=False, markup=False, soft_wrap=True)


def complain(word: str, message: str) -> None:
    """Write what is wrong, or how to mend it, to stderr."""
    line = Text.assemble((f"{word}:", "bold red" if word == "error" else "bold"), " ", message)
    errors.print(line, highlight=False, soft_wrap=True)


def as_json(value: Any) -> Any:
    """Return a value of what JSON knows: bytes as hexadecimal, at any depth.

    Not by orjson's own callback: it turns a Ctrl-C that arrives in there into a TypeError.
    """
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(name): as_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
