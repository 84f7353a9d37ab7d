"""The locked programs of one folder: where each is, whether it is there, and fetching them."""

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from headrace.local.artifacts import Artifact, Part, load_lock
from headrace.local.display import download_display
from headrace.local.download import fetch
from headrace.local.exclusive import exclusively

_NAMES: dict[Part, str] = {"kafka": "Kafka", "registry": "Apicurio Registry", "zipkin": "Zipkin"}


class Programs:
    """Kafka's jars, the unpacked registry and Zipkin's jar, in one folder for several stacks.

    Parameters
    ----------
    folder
        Where they are kept.
    say
        Told in plain lines what is being done.
    lock
        What has to be there.
    """

    def __init__(
        self,
        folder: Path,
        say: Callable[[str], None] = print,
        lock: list[Artifact] | None = None,
    ) -> None:
        self.lock = load_lock() if lock is None else lock
        self._folder = folder
        self._say = say

    @property
    def kafka(self) -> list[Path]:
        """The broker's class path."""
        return self._paths("kafka")

    @property
    def registry(self) -> Path:
        """The registry's unpacked distribution."""
        return self._paths("registry")[0]

    @property
    def zipkin(self) -> Path:
        """Zipkin's jar."""
        return self._paths("zipkin")[0]

    def absent(self) -> list[Artifact]:
        """Return what is missing, or is not as the lock says."""
        return [artifact for artifact in self.lock if not self._is_kept(artifact)]

    def fetch(self) -> None:
        """Fetch what is absent; a damaged file is deleted first, and that is said.

        Raises
        ------
        HeadraceError
            Where something cannot be fetched or arrives with another SHA-256.
        """
        with exclusively(self._folder / ".lock", self._say):
            absent = self.absent()
            for path in (self._path(artifact) for artifact in absent):
                if path.exists():
                    self._say(f"{path} does not have the locked SHA-256: deleted.")
                    path.unlink()
            if absent:
                self._fetch(absent)

    def _fetch(self, absent: list[Artifact]) -> None:
        size_bytes = sum(artifact.size_bytes for artifact in absent)
        parts = {artifact.part for artifact in absent}
        title = f"Fetching {', '.join(name for part, name in _NAMES.items() if part in parts)}"
        scratch = self._folder / ".unfinished"
        wanted = {artifact: self._path(artifact) for artifact in absent}
        with download_display(Console(stderr=True), title, size_bytes, self._say) as received:
            fetch(wanted, scratch, received)

    def _paths(self, part: Part) -> list[Path]:
        return [self._path(artifact) for artifact in self.lock if artifact.part == part]

    def _path(self, artifact: Artifact) -> Path:
        """Return where it is kept: a jar as it is, an archive as the folder it unpacks to."""
        if artifact.packaging == "jar":
            return self._folder / artifact.filename
        # The digest stands for the archive, which is not kept.
        return self._folder / f"{artifact.artifact}-{artifact.version}-{artifact.sha256[:16]}"

    def _is_kept(self, artifact: Artifact) -> bool:
        path = self._path(artifact)
        return path.is_dir() or artifact.is_whole(path)
