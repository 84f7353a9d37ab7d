"""A use case's history as it stands in its topics, for ``headrace backtest --topics``."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from headrace.backtesting.history import History, readable
from headrace.backtesting.told import Told
from headrace.chassis.clock import now_ms
from headrace.chassis.reading import bounds
from headrace.chassis.records import Received
from headrace.commands.console import progress
from headrace.commands.desk import Desk
from headrace.explaining.records import Place
from headrace.usecase.charter import Charter

TIMEOUT_S: Final = 30.0
_TRIED: Final = 20
"""So many places at the end of a partition are looked at: some hold markers of transactions."""


def history(path: Path | None, limit: int | None) -> tuple[Charter, History]:
    """Return a charter, and the events and labels that are kept of it.

    Raises
    ------
    HeadraceError
        The charter is wrong, the broker or the registry is away, or the topics are not there.
    """
    desk, until_ms = Desk.open(path, TIMEOUT_S), now_ms()
    charter = desk.charter
    progress(f"Reading the labels of {charter.name} ...")
    left_out = Counter[str]()
    told = Told(charter, received(desk, "labels", left_out), left_out, until_ms)
    spans = bounds(desk.clients, f"{charter.name}.events", partitions_of(desk), TIMEOUT_S)
    events = Counter[str]()
    return charter, History(
        charter,
        [received(desk, "events", events, partition) for partition in spans],
        sum(map(len, spans.values())),
        told,
        events,
        max(_last_ms(desk, partition, span, until_ms) for partition, span in spans.items()),
        until_ms,
        limit,
    )


def partitions_of(desk: Desk) -> range:
    """Return the partitions of the events."""
    return range(desk.topics[f"{desk.charter.name}.events"].partitions)


def received(
    desk: Desk, plural: str, left_out: Counter[str], partition: int | None = None
) -> Iterable[Received]:
    """Yield what can be read of a topic, or of one of its partitions, in the order of each."""
    topic = f"{desk.charter.name}.{plural}"
    wanted = None if partition is None else [partition]
    messages = desk.reader.all(desk.topics[topic], wanted)
    return readable(messages, desk.wiring.channel(topic).decode, left_out)


def _last_ms(desk: Desk, partition: int, span: range, until_ms: int) -> int:
    """Return when the last event of a partition happened; 0 where there is none to be read."""
    topic = f"{desk.charter.name}.events"
    decode = desk.wiring.channel(topic).decode
    for offset in reversed(span[-_TRIED:]):
        message = desk.reader.at(desk.topics[topic], Place(partition, offset))
        for each in readable([message] if message else [], decode, Counter()):
            if desk.charter.checks.passes(each.record, until_ms):
                time_ms: int = each.record[desk.charter.events.time]
                return time_ms
    return 0
