"""What was published of the models that learn, and what is to be learned anew by now; pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from headrace.models.manifest import LearnedLineage
from headrace.models.publication import manifest_of


class Version(NamedTuple):
    """A version of a model, as it was published."""

    name: str
    published_at_ms: int
    """Milliseconds since the epoch."""
    charter: str
    """The charter's digest in hexadecimal."""
    until_offset: int | None
    """The offset after the last outcome that it has learned from; None where that is unknown."""
    is_retrained: bool
    """Whether it was learned anew from history."""


def version_of(record: Mapping[str, Any]) -> Version | None:
    """Return what a ``ModelPublished`` says; None where it has not learned from outcomes."""
    manifest = manifest_of(record)
    if manifest is None or not isinstance(lineage := manifest.lineage, LearnedLineage):
        return None
    return Version(
        manifest.name,
        record["published_at_ms"],
        lineage.charter,
        lineage.until_offset,
        lineage.is_retrained,
    )


class History:
    """The versions of some models, taken one by one as their records come.

    Parameters
    ----------
    names
        The models'; what was published of others is passed over.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._versions: dict[str, Version] = {}

    @property
    def versions(self) -> Collection[Version]:
        """Those that were taken, each once."""
        return self._versions.values()

    def take(self, key: str, record: Mapping[str, Any] | None) -> None:
        """Take a record of the topic of models, by its key."""
        version = None if record is None else version_of(record)
        if version is None or version.name not in self._names:
            self._versions.pop(key, None)
        else:
            self._versions[key] = version


class Due(NamedTuple):
    """Which models are to be learned anew."""

    names: frozenset[str]
    """Those whose time has come."""
    at_ms: int | None
    """When the first of all models is due, or has been; None where none was published yet."""


def what_is_due(now_ms: int, history: Iterable[Version], period_ms: int) -> Due:
    """Return which models are to be learned anew by a time.

    Each is due a period after it was last learned anew, and, where it never was, after its first
    version. So one that is refused each time stays due, whatever is published of the others.

    Parameters
    ----------
    now_ms, period_ms
        Milliseconds, the time since the epoch.
    """
    first: dict[str, int] = {}
    anew: dict[str, int] = {}
    for each in history:
        time_ms, name = each.published_at_ms, each.name
        first[name] = min(time_ms, first.get(name, time_ms))
        if each.is_retrained:
            anew[name] = max(time_ms, anew.get(name, time_ms))
    at_ms = {name: time_ms + period_ms for name, time_ms in (first | anew).items()}
    names = frozenset(name for name, time_ms in at_ms.items() if time_ms <= now_ms)
    return Due(names, min(at_ms.values(), default=None))


def retrained_until(history: Iterable[Version], charter: str) -> dict[str, int]:
    """Return, by model, up to which offset of the outcomes it was learned anew.

    Parameters
    ----------
    charter
        The digest, in hexadecimal, of the charter that they were learned by.
    """
    until: dict[str, int] = {}
    for each in history:
        if each.is_retrained and each.charter == charter and each.until_offset is not None:
            until[each.name] = max(each.until_offset, until.get(each.name, 0))
    return until
