"""The programs that the local stack is made of, each pinned by its SHA-256."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from headrace.contracts.location import shipped
from headrace.errors import HeadraceError

Part = Literal["kafka", "registry", "zipkin"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a Maven repository."""

    part: Part
    group: str
    artifact: str
    version: str
    classifier: str
    packaging: str
    size_bytes: int
    sha256: str

    @property
    def filename(self) -> str:
        """The file's name in every Maven repository, unique in the lock."""
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{classifier}.{self.packaging}"

    def is_whole(self, path: Path) -> bool:
        """Whether ``path`` holds exactly the locked bytes."""
        if not path.is_file() or path.stat().st_size != self.size_bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256


def load_lock(path: Path | None = None) -> list[Artifact]:
    """Read the lock.

    Raises
    ------
    HeadraceError
        Where it is not a lock: unreadable, a field missing, or two files of one name.
    """
    path = path or shipped("deploy") / "local" / "jars.lock.toml"
    try:
        tables = tomllib.loads(path.read_text())["artifacts"]
        artifacts = [Artifact(**table) for table in tables]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise HeadraceError(
            f"{path} is not a lock of jars: {error}.", fix="Restore it from version control."
        ) from error
    names = [artifact.filename for artifact in artifacts]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise HeadraceError(
            f"{path} names {twice[0]} twice.", fix="Restore it from version control."
        )
    return artifacts
