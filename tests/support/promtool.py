"""Where promtool is: installed, or taken out of Debian's package without installing that."""

import shutil
import subprocess
from pathlib import Path


class NoPromtool(Exception):
    """It is not installed, and cannot be fetched."""


def promtool(folder: Path) -> str:
    """Return the program.

    Parameters
    ----------
    folder
        Where it is fetched to, and found the next time.

    Raises
    ------
    NoPromtool
        With the reason.
    """
    fetched = folder / "promtool"
    if installed := shutil.which("promtool"):
        return installed
    if not fetched.exists():
        _fetch(folder, fetched)
    return str(fetched)


def _fetch(folder: Path, fetched: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise NoPromtool("promtool is not installed, and only Debian's package is fetched")
    _run(["apt-get", "download", "prometheus"], folder)
    for package in folder.glob("prometheus_*.deb"):
        _run(["dpkg", "-x", package.name, "package"], folder)
        package.unlink()
    (folder / "package/usr/bin/promtool").replace(fetched)
    shutil.rmtree(folder / "package")


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=120)
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip() or "nothing said").splitlines()[-1]
        raise NoPromtool(f"promtool is not installed, and {command[0]} fails: {said}") from error
    except subprocess.TimeoutExpired as error:
        raise NoPromtool(f"promtool is not installed, and {command[0]} does not end") from error
