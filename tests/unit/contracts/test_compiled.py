"""The hot path is compiled from ordinary Python, which does the same uncompiled."""

import importlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from headrace.contracts.compiled import IS_COMPILED

ROOT = Path(__file__).parents[3]
SPECIFICATIONS = (
    "contracts/test_varint.py",
    "contracts/test_codec.py",
    "usecase/test_windows.py",
    "chassis/test_state.py",
)


def modules() -> list[str]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    hook = document["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    return list(hook["modules"])


@pytest.mark.skipif(not IS_COMPILED, reason="there was no C compiler")
@pytest.mark.parametrize("name", modules())
def test_what_is_compiled_is_no_older_than_its_source(name):
    library = Path(str(importlib.import_module(name).__file__))
    assert library.suffix == ".so"
    source = ROOT / "services" / f"{name.replace('.', '/')}.py"
    assert library.stat().st_mtime >= source.stat().st_mtime, "`make unit` compiles it again"


def test_uncompiled_it_does_the_same(tmp_path):
    services = tmp_path / "services"
    shutil.copytree(
        ROOT / "services", services, ignore=shutil.ignore_patterns("*.so", "__pycache__")
    )
    for shipped in ("schemas", "deploy", "bench"):
        (tmp_path / shipped).symlink_to(ROOT / shipped)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    }
    tried = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0"]
        + ["--override-ini", f"pythonpath={ROOT / 'tests'} {services}"]
        + [str(ROOT / "tests" / "unit" / each) for each in SPECIFICATIONS],
        env={**environment, "PYTHONPATH": str(services)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 0, tried.stdout[-3_000:] + tried.stderr[-3_000:]
    asked = "from headrace.contracts.compiled import IS_COMPILED; print(IS_COMPILED)"
    said = subprocess.run(
        [sys.executable, "-c", asked],
        env={**environment, "PYTHONPATH": str(services)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "False"
