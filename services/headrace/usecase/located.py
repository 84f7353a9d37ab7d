"""Where in a TOML file a key stands, so that an error can say it.

The standard library reads TOML and forgets the lines. This reads nothing but the lines, of a text
that is known to be valid.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

KeyPath = tuple[str | int, ...]

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # a text over several lines may end in quotes of its own
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'"
    r"|\#[^\n]*"
    r"|[\[\]{},=.\n]"
    r"|[^\s\[\]{},=.\#\"']+",
    re.DOTALL,
)
_VALUE_ENDS = (",", "]", "}", "\n", "")


class _Token(NamedTuple):
    text: str
    line: int


def lines_of(toml: str) -> dict[KeyPath, int]:
    """Map the path of each table, key and array element to the number of the line it begins on."""
    return _Scanner(toml).lines


def line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int | None:
    """Return the line of a key, or of the nearest thing around it that has one."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


class _Scanner:
    """Walks over the text once; each method begins at its first token and ends behind its last."""

    def __init__(self, toml: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._elements: Counter[KeyPath] = Counter()  # of each array of tables, so far
        self._tokens = _tokens(toml)
        self._token = next(self._tokens)
        table: KeyPath = ()
        while self._past("\n"):
            if self._token.text == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        line = self._advance().line
        of_many = self._token.text == "["
        if of_many:
            self._advance()
        path: KeyPath = ()
        for name in self._key():
            path = (*self._in_last(path), name)
        self.lines.setdefault(path, line)
        if of_many:
            self._elements[path] += 1
            self._advance()
            path = self._in_last(path)
            self.lines[path] = line
        return path

    def _in_last(self, path: KeyPath) -> KeyPath:
        """Enter the last element where the path is an array of tables."""
        return (*path, self._elements[path] - 1) if path in self._elements else path

    def _pair(self, table: KeyPath) -> None:
        line = self._token.line
        path = (*table, *self._key())
        self.lines.setdefault(path, line)
        self._value(path)

    def _key(self) -> list[str]:
        """Read a key, and the ``=`` or ``]`` behind it."""
        names: list[str] = []
        while (text := self._advance().text) not in ("=", "]"):
            if text != ".":
                names.append(text[1:-1] if text[0] in "\"'" else text)
        return names

    def _value(self, path: KeyPath) -> None:
        if self._token.text == "[":
            self._advance()
            place = 0
            while self._past("\n", ",") != "]":
                self.lines[*path, place] = self._token.line
                self._value((*path, place))
                place += 1
            self._advance()
        elif self._token.text == "{":
            self._advance()
            while self._past("\n", ",") != "}":
                self._pair(path)
            self._advance()
        else:  # dates and numbers may be several tokens
            while self._token.text not in _VALUE_ENDS:
                self._advance()

    def _past(self, *skipped: str) -> str:
        """Go past some tokens; return the text of the next, nothing at the end."""
        while self._token.text in skipped:
            self._advance()
        return self._token.text

    def _advance(self) -> _Token:
        passed = self._token
        self._token = next(self._tokens)
        return passed


def _tokens(toml: str) -> Iterator[_Token]:
    """Yield every token but comments, and at the end an empty one."""
    line = 1
    for found in _TOKEN.finditer(toml):
        if not found[0].startswith("#"):
            yield _Token(found[0], line)
        line += found[0].count("\n")
    yield _Token("", line)
