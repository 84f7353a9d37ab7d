"""Compiles the modules of the hot path with mypyc, where there is a C compiler.

They are ordinary Python and work uncompiled, only slower: a build without a compiler says so and
goes on (docs/decisions/0021).
"""

import shutil
import sys
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
        root = Path(self.root)
        for stale in (root / SOURCES).rglob("*.so"):
            stale.unlink()
        shutil.rmtree(root / SCRATCH, ignore_errors=True)
        try:
            built = compiled(root, self.config["modules"])
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- setuptools and mypyc fail in many ways
            print(f"headrace is installed uncompiled, and slower: {error}", file=sys.stderr)
            return
        if version != "editable":
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            for each in built:
                build_data["force_include"][str(each)] = str(each.relative_to(root / SOURCES))


def compiled(root: Path, modules: list[str]) -> list[Path]:
    """Compile modules beside their sources, and return the libraries."""
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    sources = [str(root / SOURCES / f"{module.replace('.', '/')}.py") for module in modules]
    scratch = root / SCRATCH
    extensions = mypycify(
        ["--config-file=", *sources],
        opt_level="3",
        group_name=GROUP,
        target_dir=str(scratch),
    )
    for extension in extensions:  # another compiler's new warning must not be an error
        extension.extra_compile_args = [
            each for each in extension.extra_compile_args if each != "-Werror"
        ]
    command = build_ext(
        Distribution(
            {
                "name": GROUP,
                "ext_modules": extensions,
            }
        )
    )
    libraries = scratch / "libraries"
    command.build_temp, command.build_lib = str(scratch), str(libraries)
    command.ensure_finalized()
    command.run()
    built = [root / SOURCES / each.relative_to(libraries) for each in libraries.rglob("*.so")]
    for each in built:
        shutil.copyfile(libraries / each.relative_to(root / SOURCES), each)
    return built
