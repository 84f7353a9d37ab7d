"""A use case whose topics a command looks at."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings
from headrace.chassis.wiring import Wiring
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.topics import TopicSpec, load_topics
from headrace.errors import HeadraceError
from headrace.explaining.letters import Letter, letters_of, replays_by_letter
from headrace.explaining.records import Place, TopicReader
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter


@dataclass(frozen=True)
class Desk:
    """A use case whose topics are looked at."""

    charter: Charter
    topics: dict[str, TopicSpec]
    clients: Clients
    wiring: Wiring
    reader: TopicReader

    @classmethod
    def open(cls, charter: Path | None, timeout_s: float) -> Self:
        """Return the use case of a charter; of the shipped one where none is given."""
        loaded = Charter.load(charter or ScoringSettings().charter)
        topics = load_topics(loaded.name, loaded.events.schema)
        clients = Clients(KafkaSettings())
        wiring = Wiring(topics, Registry(RegistrySettings()))
        return cls(loaded, topics, clients, wiring, TopicReader(clients, timeout_s))

    @property
    def dead_letters(self) -> str:
        """The topic of dead letters."""
        return f"{self.charter.name}.events.dlq"

    def letters(self) -> Iterator[Letter]:
        """Yield all dead letters."""
        spec, channel = self.topics[self.dead_letters], self.wiring.channel(self.dead_letters)
        return letters_of(self.reader.all(spec), channel)

    def letter(self, place: Place) -> Letter:
        """Return the dead letter at a place.

        Raises
        ------
        HeadraceError
            There is none.
        """
        message = self.reader.at(self.topics[self.dead_letters], place)
        channel = self.wiring.channel(self.dead_letters)
        for letter in letters_of([message] if message else [], channel):
            return letter
        raise HeadraceError(
            f"{self.dead_letters} has no dead letter at {place}.",
            fix="See which there are: headrace dead-letters list",
        )

    def replays(self) -> dict[Place, list[dict[str, Any]]]:
        """Return, by dead letter, each replay of it."""
        topic = f"{self.charter.name}.replays"
        decode = self.wiring.channel(topic).decode
        messages = self.reader.all(self.topics[topic])
        return replays_by_letter(decode(message.value()) for message in messages)
