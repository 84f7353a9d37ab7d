"""From topic declarations to channels: the schema ids are looked up once, when a service starts."""

from collections.abc import Collection, Mapping

from headrace.chassis.topology import Channel
from headrace.contracts.codec import Decoder, Encoder
from headrace.contracts.registry import Registry
from headrace.contracts.schemas import load_schema
from headrace.contracts.topics import TopicSpec


class Wiring:
    """Makes channels of the topics of one use case.

    Parameters
    ----------
    topics
        Declarations by full topic name.
    """

    def __init__(self, topics: Mapping[str, TopicSpec], registry: Registry) -> None:
        self._topics = topics
        self._registry = registry

    def channel(self, topic: str, kept: Collection[str] | None = None) -> Channel:
        """Return a topic with its codec.

        Parameters
        ----------
        kept
            The fields that are wanted of what is read; all without it.

        Raises
        ------
        HeadraceError
            The registry is down, or the schema was not registered.
        """
        spec = self._topics[topic]
        schema = load_schema(spec.schema)
        schema_id = self._registry.schema_id(spec.subject, schema)
        return Channel(
            topic,
            Encoder(schema, schema_id),
            Decoder(schema, self._registry.writer, spec.max_record_bytes, kept),
        )
