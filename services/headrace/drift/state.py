"""The state of drift, as it stands in the changelog."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Slots:
    """The bodies of one of the things that are kept, by slot."""

    bodies: dict[int, bytes] = field(default_factory=dict)


class DriftFormat:
    """How the state's values are made, copied and restored (a ``Format`` of the chassis)."""

    version = 3
    forgets = False

    def empty(self, _key: str) -> Slots:
        """Return the value of a key never seen."""
        return Slots()

    def copy(self, value: Slots) -> Slots:
        """Return a copy that changes nothing in ``value``, nor is changed with it."""
        return Slots(dict(value.bodies))

    def apply(self, value: Slots, slot: int, body: bytes) -> None:
        """Restore one slot."""
        value.bodies[slot] = body
