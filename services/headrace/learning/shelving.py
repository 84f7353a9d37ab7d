"""Published models as what a transaction takes; no library that learns is loaded."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from headrace.chassis.topology import Channel
from headrace.chassis.transactor import ToProduce
from headrace.models.publication import Publication


def to_produce(
    publications: Iterable[Publication], models: Channel, chunks: Channel
) -> list[ToProduce]:
    """Return the records of models, the chunks of all of them before what names them.

    Parameters
    ----------
    models, chunks
        Where they go.
    """
    wanted = list(publications)
    parts = chain.from_iterable(each.chunks for each in wanted)
    return [_of_topic(chunks, parts), _of_topic(models, (each.model for each in wanted))]


def _of_topic(channel: Channel, records: Iterable[tuple[str, Any]]) -> ToProduce:
    keyed = list(records)
    return ToProduce(
        channel.topic, [key for key, _ in keyed], [channel.encode(record) for _, record in keyed]
    )
