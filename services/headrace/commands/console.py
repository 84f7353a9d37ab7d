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
    encoded = orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2)
    sys.stdout.write(encoded.decode() + "\n")


def print_json_line(value: object) -> None:
    """Write one JSON document on one line, bytes as hexadecimal, to stdout."""
    sys.stdout.write(orjson.dumps(value, default=_plain).decode() + "\n")


def print_table(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as a table; the first row's keys are the headings."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for heading in rows[0] if rows else ():
        table.add_column(heading)
    for row in rows:
        table.add_row(*(str(cell) for cell in row.values()))
    results.print(table)


def progress(message: str) -> None:
    """Write one plain line about long work to stderr."""
    errors.print(message, highlight=False, markup=False, soft_wrap=True)


def complain(word: str, message: str) -> None:
    """Write what is wrong, or how to mend it, to stderr."""
    line = Text.assemble((f"{word}:", "bold red" if word == "error" else "bold"), " ", message)
    errors.print(line, highlight=False, soft_wrap=True)


def _plain(value: Any) -> object:
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
