"""Compiles the modules of the hot path with mypyc, where there is a C compiler.

They are ordinary Python and work uncompiled, only slower: a build without a compiler says so and
goes on (docs/decisions/0021).
"""

import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = "services"
GROUP = "headrace"
SCRATCH = ".build"


class CompilingHook(BuildHookInterface[Any]):
    """Hatchling's hook: compiles in place, and has the wheel take along what came of it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before anything is packed."""
        if self.target_name != "wheel":
            return
        root, modules = Path(self.root), self.config["modules"]
        built = fresh(root, modules)  # a frontend builds twice: for the metadata, and then
        if not built:
            try:
                built = compiled(root, modules)
            except (Exception, SystemExit) as error:  # noqa: BLE001 -- they fail in many ways
                print(f"headrace is installed uncompiled, and slower: {error}", file=sys.stderr)
                return
        if version != "editable":
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            for each in built:
                build_data["force_include"][str(each)] = str(each.relative_to(root / SOURCES))


def fresh(root: Path, modules: list[str]) -> list[Path]:
    """Return the libraries where all are there and none is older than what makes it."""
    others = [root / name for name in ("pyproject.toml", "requirements.lock", "hatch_build.py")]
    made_of = [*sources(root, modules), *filter(Path.exists, others)]
    built = list((root / SOURCES).rglob(f"*{sysconfig.get_config_var('EXT_SUFFIX')}"))
    is_whole = len(built) == len(modules) + 1  # the code of all is in one that they share
    newest = max(each.stat().st_mtime for each in made_of)
    return built if is_whole and all(each.stat().st_mtime >= newest for each in built) else []


def sources(root: Path, modules: list[str]) -> list[Path]:
    """Return where the modules are."""
    return [root / SOURCES / f"{module.replace('.', '/')}.py" for module in modules]


def compiled(root: Path, modules: list[str]) -> list[Path]:
    """Compile modules beside their sources, and return the libraries."""
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    scratch = root / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    for stale in (root / SOURCES).rglob("*.so"):
        stale.unlink()
    extensions = mypycify(
        ["--config-file=", *map(str, sources(root, modules))],
        opt_level="3",
        group_name=GROUP,
        target_dir=str(scratch),
    )
    for extension in extensions:  # another compiler's new warning must not be an error
        extension.extra_compile_args = [
            each for each in extension.extra_compile_args if each != "-Werror"
        ]
    command = build_ext(Distribution({"name": GROUP, "ext_modules": extensions}))
    libraries = scratch / "libraries"
    command.build_temp, command.build_lib = str(scratch), str(libraries)
    command.ensure_finalized()
    command.run()
    built = [root / SOURCES / each.relative_to(libraries) for each in libraries.rglob("*.so")]
    for each in built:
        shutil.copyfile(libraries / each.relative_to(root / SOURCES), each)
    return built
