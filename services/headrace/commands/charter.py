"""``headrace charter``: check, show and describe what a use case declares."""

import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from headrace.commands import console
from headrace.commands.topics import charters
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter
from headrace.usecase.enforcement import SECTIONS
from headrace.usecase.problems import CharterError
from headrace.usecase.toml import value_as_toml

_HEAD: Final = ("name", "version", "objective", "stage", "owner")


def check(*paths: Path, json: bool = False) -> None:
    """Check charters, and tell every error with its line and what would be right; exit 1 on any.

    Parameters
    ----------
    paths
        The charters. Default: every charter in deploy/charters.
    json
        Print what was found as JSON.
    """
    checked = paths or charters()
    if not checked:
        raise HeadraceError("There is no charter.", fix="Name one: headrace charter check PATH.")
    found = [_checked(path) for path in checked]
    if json:
        console.print_json(found)
    else:
        for each in found:
            _print_checked(each)
    if not all(each["ok"] for each in found):
        sys.exit(1)


def show(path: Path | None = None, *, json: bool = False) -> None:
    """Show what a charter declares: what is enforced now, and what later services will enforce.

    Parameters
    ----------
    path
        The charter; the shipped one where not given.
    json
        Print it as JSON.
    """
    chosen = path or ScoringSettings().charter
    charter = Charter.load(chosen, field_names)
    declared = tomllib.loads(chosen.read_text("utf-8"))
    if json:
        sections = [
            {"section": name, "enforced": enforced, "how": how, "declares": declared[name]}
            for name, (enforced, how) in SECTIONS.items()
            if name in declared
        ]
        head = {"path": str(chosen), "digest": charter.digest}
        console.print_json({**head, "name": charter.name, "sections": sections})
    else:
        _print_head(charter, chosen)
        _print_sections("Enforced now", declared, enforced=True)
        _print_sections("Declared: checked at the start, for services to come", declared)


def schema() -> None:
    """Print the JSON Schema of charters, for editors that complete and check TOML."""
    console.print_json(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **Charter.model_json_schema(),
        }
    )


def _checked(path: Path) -> dict[str, Any]:
    try:
        charter = Charter.load(path, field_names)
        if charter.learning is not None:
            from headrace.learning.domain import Fold

            Fold(charter.learning, charter.feature_set.names)  # can it be learned?
    except CharterError as error:
        findings = [
            {"line": each.line, "key": each.key, "message": each.message, "fix": each.fix}
            for each in error.findings
        ]
        return {"path": str(path), "ok": False, "message": error.message, "errors": findings}
    except HeadraceError as error:
        finding = {"line": 0, "key": "", "message": error.message, "fix": error.fix}
        return {"path": str(path), "ok": False, "message": error.message, "errors": [finding]}
    says = f"{path} is right: {charter.name}, version {charter.version}, stage {charter.stage}."
    return {"path": str(path), "ok": True, "message": says, "errors": []}


def _print_checked(found: dict[str, Any]) -> None:
    _print_line(found["message"])


def _print_head(charter: Charter, path: Path) -> None:
    owner = charter.owner
    _print_line(f"{charter.name}, version {charter.version}, stage {charter.stage}")
    _print_line(charter.objective)
    _print_line(f"{owner.role} answers for it: {owner.name}, {owner.contact}")
    _print_line(f"{path}, SHA-256 {charter.digest.hex()}")


def _print_sections(title: str, declared: dict[str, Any], *, enforced: bool = False) -> None:
    _print_line("")
    console.results.print(title, style="bold", highlight=False)
    for name, enforcement in SECTIONS.items():
        if enforcement.enforced == enforced and name in declared and name not in _HEAD:
            _print_line(f"  {name}: {enforcement.how}")
            for line in _lines(declared[name]):
                _print_line(f"    {line}")


def _lines(section: Any) -> list[str]:
    """Return a section as lines: one for each of many, or for each of its keys."""
    if isinstance(section, list):
        return [_pairs(element) for element in section]
    lines = []
    for key, value in section.items():
        if isinstance(value, dict):
            lines += [f"{key}.{inner} = {value_as_toml(part)}" for inner, part in value.items()]
        else:
            lines.append(f"{key} = {value_as_toml(value)}")
    return lines


def _pairs(element: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {value_as_toml(value)}" for key, value in element.items())


def _print_line(line: str) -> None:
    console.results.print(line, highlight=False, markup=False, soft_wrap=True)
