"""The labels that stand on a use case's topic, by the events that they are about."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from headrace.chassis.records import Received
from headrace.labelling.domain import Label
from headrace.labelling.joining import HEARTBEAT, label_fault
from headrace.usecase.charter import Charter

_NONE: Final[Sequence[Label]] = ()


class Told:
    """All that the sources of labels have said.

    Parameters
    ----------
    charter
        Who they are.
    received
        The labels and heartbeats, each partition's in its order.
    left_out
        Counts those that do not count, by reason.
    now_ms
        The wall clock: nobody has observed what is further ahead than the charter allows.
    """

    def __init__(
        self,
        charter: Charter,
        received: Iterable[Received],
        left_out: Counter[str],
        now_ms: int,
    ) -> None:
        sources, ahead_ms = charter.labels.sources, now_ms + charter.events.future_skew_ms
        self._labels = defaultdict[tuple[str, str], list[Label]](list)
        self._until_ms = {name: 0 for name, each in sources.items() if not each.corrects}
        self.left_out = left_out
        self.number = 0
        """Of the labels that count."""
        for each in received:
            record = each.record
            if fault := label_fault(each, sources, ahead_ms):
                left_out[fault[0]] += 1
                continue
            source, observed_ms = record["source"], record["observed_at_ms"]
            if source in self._until_ms:
                self._until_ms[source] = max(self._until_ms[source], observed_ms)
            if record["kind"] != HEARTBEAT:
                self.number += 1
                label = Label(source, record["value"], observed_ms, record["revision"])
                self._labels[each.key, record["event_id"]].append(label)

    @property
    def until_ms(self) -> int:
        """How far all sources have come, those that only correct aside; 0 where one is silent.

        Of a heartbeat nothing else counts.
        """
        return min(self._until_ms.values())

    def of(self, key: str, event_id: str) -> Sequence[Label]:
        """Return what is said of an event."""
        return self._labels.get((key, event_id), _NONE)
