"""What was published of the models that learn, and what is to be learned anew by now; pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from headrace.models.manifest import LearnedLineage
from headrace.models.publication import manifest_of

_OF_MODELS: Final = ("concept", "calibration")
"""Kinds of drift after which what was learned is not so any more."""


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


class Signal(NamedTuple):
    """A drift that has models learned anew."""

    signal_id: str
    at_ms: int
    """When it was told: the time of its record, in milliseconds since the epoch."""


class Signals:
    """The latest of these, taken from all signals one by one as their records come."""

    latest: Signal | None = None

    def take(self, _key: str, record: Mapping[str, Any] | None, at_ms: int) -> None:
        """Take a record of the topic of signals, and when it was written."""
        if record and record["state"] == "raised" and record["kind"] in _OF_MODELS:
            self.latest = Signal(record["signal_id"], at_ms)


class Due(NamedTuple):
    """Which models are to be learned anew."""

    names: frozenset[str]
    """Those whose time has come."""
    at_ms: int | None
    """When the first of all models is due, or has been; None where nobody knows yet."""
    signal: Signal | None = None
    """The drift for which some of them are due; None where it is their time."""


def what_is_due(
    now_ms: int,
    history: Iterable[Version],
    period_ms: int | None,
    signal: Signal | None = None,
    cool_down_ms: int = 0,
) -> Due:
    """Return which models are to be learned anew by a time.

    Each is due a period after it was last learned anew, and, where it never was, after its first
    version. So one that is refused each time stays due, whatever is published of the others. All
    that are older than a drift are due for that, once those that were learned anew have cooled
    down.

    Parameters
    ----------
    now_ms, period_ms
        Milliseconds, the time since the epoch; None where time alone makes nothing due.
    signal
        The latest drift that has models learned anew, if any.
    cool_down_ms
        For so long after any model was learned anew no drift makes one due, in milliseconds.
    """
    first: dict[str, int] = {}
    anew: dict[str, int] = {}
    for each in history:
        time_ms, name = each.published_at_ms, each.name
        first[name] = min(time_ms, first.get(name, time_ms))
        if each.is_retrained:
            anew[name] = max(time_ms, anew.get(name, time_ms))
    latest = first | anew
    at_ms: dict[str, int] = {}
    if period_ms is not None:
        at_ms = {name: time_ms + period_ms for name, time_ms in latest.items()}
    is_for_signal = False
    if signal is not None:
        soon_ms = max([signal.at_ms, *(time_ms + cool_down_ms for time_ms in anew.values())])
        older = [name for name, time_ms in latest.items() if time_ms < signal.at_ms]
        at_ms |= {name: min(soon_ms, at_ms.get(name, soon_ms)) for name in older}
        is_for_signal = bool(older) and soon_ms <= now_ms
    names = frozenset(name for name, time_ms in at_ms.items() if time_ms <= now_ms)
    return Due(names, min(at_ms.values(), default=None), signal if is_for_signal else None)


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
