"""A consumer's part in its group: joining, giving up, taking over, being expelled."""

from collections.abc import Callable

from confluent_kafka import TopicPartition

from support.fake_kafka.fetcher import Fetcher
from support.fake_kafka.group_metadata import GroupMetadata
from support.fake_kafka.groups import GroupCoordinator

Rebalanced = Callable[[list[TopicPartition]], None]


class Membership:
    """One member's view of its group; its callbacks run within :meth:`take_part`."""

    def __init__(self, groups: GroupCoordinator, group: str, fetcher: Fetcher) -> None:
        self._groups = groups
        self._group = group
        self._fetcher = fetcher
        self._topics: list[str] = []
        self._member_id = ""
        self._generation = -1
        self._given: list[TopicPartition] | None = None
        self._unaware_polls = 0
        self._on_assign: Rebalanced | None = None
        self._on_revoke: Rebalanced | None = None
        self._on_lost: Rebalanced | None = None

    def subscribe(
        self,
        topics: list[str],
        on_assign: Rebalanced | None,
        on_revoke: Rebalanced | None,
        on_lost: Rebalanced | None,
    ) -> None:
        """Join; a member without ``on_lost`` hears of a loss by ``on_revoke``."""
        self.leave()
        self._topics = topics
        self._on_assign = on_assign
        self._on_revoke = on_revoke
        self._on_lost = on_lost or on_revoke
        self._member_id = self._groups.join(self._group, topics)

    def take_part(self) -> None:
        """Do what a poll does for the group: notice an expulsion, give up, take over."""
        if not self._topics:
            return
        if not self._known():
            if self._unaware_polls > 0:
                self._unaware_polls -= 1
                return
            self._give_up(self._on_lost)
            self._member_id = self._groups.join(self._group, self._topics)
        member = self._groups.group(self._group).members[self._member_id]
        if not member.joined:
            self._give_up(self._on_revoke)
            if not self._known():
                return  # its session has ended while it gave up
            self._groups.rejoin(self._group, self._member_id)
        if member.assignment is not None:
            assignment, member.assignment = member.assignment, None
            self._take_over([TopicPartition(*key) for key in assignment])

    def metadata(self) -> GroupMetadata:
        """Return who this is; one that knows itself expelled has lost its id."""
        member_id = self._member_id if self._known() or self._unaware_polls > 0 else ""
        return GroupMetadata(self._group, self._generation, member_id)

    def close(self) -> None:
        """Give up what is assigned and leave."""
        if self._member_id:
            self._give_up(self._on_revoke if self._known() else self._on_lost)
            self.leave()

    def leave(self, unaware_polls: int = 0) -> None:
        """Be a member no more; the next ``unaware_polls`` polls do not know it yet."""
        self._groups.leave(self._group, self._member_id)
        self._unaware_polls = unaware_polls

    def _known(self) -> bool:
        return self._member_id in self._groups.group(self._group).members

    def _take_over(self, partitions: list[TopicPartition]) -> None:
        self._generation = self._groups.group(self._group).generation
        self._given = partitions
        assignments = self._fetcher.assignments
        if self._on_assign is not None:
            self._on_assign(partitions)
        if self._fetcher.assignments == assignments:
            self._fetcher.assign(partitions)

    def _give_up(self, callback: Rebalanced | None) -> None:
        """Give back what the group gave, also where that was nothing or is not what is read."""
        given, self._given = self._given, None
        if given is not None and callback is not None:
            callback(given)
        self._fetcher.assign([])
