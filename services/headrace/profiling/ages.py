"""Which buckets no window reaches any more; it follows from the state, and is kept beside it."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from headrace.usecase.buckets import Bucket


class Kind(NamedTuple):
    """The buckets of one profile, of one length."""

    profile: str
    length_ms: int


class Over(NamedTuple):
    """Buckets of one span that are to be forgotten."""

    kind: Kind
    start_ms: int
    names: Sequence[str]


class Ages:
    """The buckets of one partition by when they begin.

    Parameters
    ----------
    kept_ms
        How long before the newest bucket one may begin; a kind that is none of these was declared
        once, and is declared no more.
    """

    def __init__(self, kept_ms: Mapping[Kind, int]) -> None:
        self._kept_ms = kept_ms
        self._names: defaultdict[Kind, dict[int, list[str]]] = defaultdict(dict)
        self._starts_ms: defaultdict[Kind, list[int]] = defaultdict(list)
        """In order."""
        self._newest_ms: dict[Kind, int] = {}

    def add(self, bucket: Bucket, name: str) -> None:
        """Take in a bucket in which something is counted now."""
        kind, start_ms = Kind(bucket.profile, bucket.length_ms), bucket.start_ms
        names = self._names[kind].get(start_ms)
        if names is None:
            self._names[kind][start_ms] = names = []
            insort(self._starts_ms[kind], start_ms)
            self._newest_ms[kind] = max(start_ms, self._newest_ms.get(kind, start_ms))
        names.append(name)

    def is_over(self, bucket: Bucket) -> bool:
        """Tell whether no window reaches a bucket any more."""
        kind = Kind(bucket.profile, bucket.length_ms)
        return self._is_over(kind, bucket.start_ms)

    def over(self, most: int) -> list[Over]:
        """Return what is to be forgotten next, of each kind what begins first; so many at most."""
        found, spans = 0, list[Over]()
        for span in self._all_over():
            if found >= most:
                break
            spans.append(span._replace(names=span.names[: most - found]))
            found += len(spans[-1].names)
        return spans

    def forget(self, over: Over) -> None:
        """Forget what :meth:`over` has returned."""
        kind, start_ms, names = over
        rest = self._names[kind][start_ms][len(names) :]
        if rest:
            self._names[kind][start_ms] = rest
        else:
            del self._names[kind][start_ms]
            starts_ms = self._starts_ms[kind]
            del starts_ms[bisect_left(starts_ms, start_ms)]

    def _all_over(self) -> Iterator[Over]:
        for kind, starts_ms in self._starts_ms.items():
            for start_ms in starts_ms:
                if not self._is_over(kind, start_ms):
                    break
                yield Over(kind, start_ms, self._names[kind][start_ms])

    def _is_over(self, kind: Kind, start_ms: int) -> bool:
        kept_ms, newest_ms = self._kept_ms.get(kind), self._newest_ms.get(kind)
        return newest_ms is not None and (kept_ms is None or start_ms < newest_ms - kept_ms)
