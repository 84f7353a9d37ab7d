"""What is wrong with a charter: all of it at once, with the line and what would be right."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from headrace.errors import HeadraceError
from headrace.usecase.located import KeyPath, line_of, lines_of

_SYNTAX = re.compile(r"(.+) \(at (?:line (\d+), column \d+|end of document)\)")


class Problem(NamedTuple):
    """One thing to mend."""

    path: KeyPath
    message: str
    fix: str = ""
    """What would be right; a message may hold it too, behind a semicolon."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, and where it stands."""

    line: int
    """From 1; a key that is missing at the top stands there."""
    key: str
    """The path to it, divided by dots; empty for the whole file."""
    message: str
    fix: str

    def __str__(self) -> str:
        """Return all of it on one line."""
        fix = f"; {self.fix}" if self.fix else ""
        return f"line {self.line}, {self.key or 'the file'}: {self.message}{fix}"


class CharterError(HeadraceError):
    """A charter with problems; ``findings`` has all of them in the order of the file's lines."""

    def __init__(self, file: Path, findings: Collection[Finding]) -> None:
        count = "an error" if len(findings) == 1 else f"{len(findings)} errors"
        listed = "\n".join(f"  {finding}" for finding in findings)
        super().__init__(
            f"The charter {file} has {count}:\n{listed}",
            fix="Correct what is listed; nothing was started.",
        )
        self.findings = tuple(findings)


def charter_error(file: Path, text: str, problems: Collection[Problem]) -> CharterError:
    """Return the error that lists all problems of a charter that is valid TOML, each once."""
    lines = lines_of(text)
    findings = {_found(problem, lines): None for problem in problems}
    return CharterError(file, sorted(findings, key=lambda finding: finding.line))


def _found(problem: Problem, lines: dict[KeyPath, int]) -> Finding:
    path, message, fix = problem
    if not fix:
        message, _, fix = message.partition("; ")
    return Finding(line_of(path, lines) or 1, ".".join(map(str, path)), message, fix)


def syntax_error(file: Path, text: str, error: ValueError) -> CharterError:
    """Return the error of a charter that is no valid TOML, which ends at the first mistake."""
    found = _SYNTAX.fullmatch(str(error))
    message = found[1] if found else str(error)
    line = int(found[2]) if found and found[2] else text.count("\n") + 1
    fix = "correct this, and what comes after it is read"
    return CharterError(file, [Finding(line, "", message, fix)])


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """Say that a name is unknown, and which one may have been meant."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return f"there is no {what} {name}; {hint}"
