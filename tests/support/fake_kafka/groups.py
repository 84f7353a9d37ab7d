"""The group coordinator: members, generations and the eager ``range`` assignment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaError

from support.fake_kafka.errors import requires_abort

Assignment = list[tuple[str, int]]


@dataclass(slots=True)
class Member:
    """What the coordinator knows of a member."""

    topics: tuple[str, ...]
    joined: bool = True
    """False while a rebalance waits for it to give up its partitions and join again."""
    assignment: Assignment | None = None
    """What it was given and has not taken yet."""


@dataclass(slots=True)
class Group:
    """One consumer group."""

    generation: int = 0
    members: dict[str, Member] = field(default_factory=dict)
    rebalancing: bool = False
    joins: int = 0


class GroupCoordinator:
    """Members join and leave; a generation begins when all that are left have joined again."""

    def __init__(self, partitions: Mapping[str, Sequence[object]]) -> None:
        self._partitions = partitions
        self._groups: dict[str, Group] = {}

    def group(self, name: str) -> Group:
        """Return a group, an empty one if nobody has joined it yet."""
        return self._groups.setdefault(name, Group())

    def join(self, name: str, topics: Sequence[str]) -> str:
        """Add a member, begin a rebalance and return the new member's id."""
        group = self.group(name)
        group.joins += 1
        member_id = f"member-{group.joins}"
        group.members[member_id] = Member(tuple(topics))
        self._rebalance(group, also_joined=member_id)
        return member_id

    def rejoin(self, name: str, member_id: str) -> None:
        """Note that a member has given up its partitions for the rebalance under way."""
        group = self.group(name)
        group.members[member_id].joined = True
        self._complete(group)

    def leave(self, name: str, member_id: str) -> None:
        """Remove a member that left or whose session timed out, and begin a rebalance."""
        group = self.group(name)
        if group.members.pop(member_id, None) is not None:
            self._rebalance(group)

    def check(self, name: str, generation: int, member_id: str) -> None:
        """Refuse the offsets of a member of another generation, as TxnOffsetCommit does.

        It checks nothing when both are unset (-1 and an empty id): offsets of no member's.
        """
        if generation < 0 and not member_id:
            return
        group = self.group(name)
        if member_id not in group.members:
            raise requires_abort(KafkaError.UNKNOWN_MEMBER_ID, f"{member_id} is not in {name}")
        if generation != group.generation:
            reason = f"{name} is in generation {group.generation}, not {generation}"
            raise requires_abort(KafkaError.ILLEGAL_GENERATION, reason)

    def _rebalance(self, group: Group, also_joined: str | None = None) -> None:
        if not group.rebalancing:
            for member_id, member in group.members.items():
                member.joined = member_id == also_joined
                member.assignment = None
        group.rebalancing = True
        self._complete(group)

    def _complete(self, group: Group) -> None:
        if not all(member.joined for member in group.members.values()):
            return
        group.rebalancing = False
        group.generation += 1
        for member_id, assignment in self._range(group).items():
            group.members[member_id].assignment = assignment

    def _range(self, group: Group) -> dict[str, Assignment]:
        assigned: dict[str, Assignment] = {member_id: [] for member_id in group.members}
        for topic in sorted({topic for m in group.members.values() for topic in m.topics}):
            takers = sorted(i for i, m in group.members.items() if topic in m.topics)
            share, left = divmod(len(self._partitions[topic]), len(takers))
            first = 0
            for position, member_id in enumerate(takers):
                end = first + share + (position < left)
                assigned[member_id] += [(topic, number) for number in range(first, end)]
                first = end
        return assigned
