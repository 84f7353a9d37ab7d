"""Where the end marker of a transaction is missing from the group's offsets (decision 0011).

A broker that is being stopped can answer that a transaction is committed, and never write that to
the group's offsets. What the group has committed is then not told any more, to nobody, for ever:
for the coordinator the transaction is over, for the group's offsets it goes on. The next end
marker of the same producer ends that. The process whose producer it is can mend it, as it knows
what was committed.
"""

import logging
from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, KafkaException, TopicPartition

from headrace.chassis.transactor import Acknowledged, TransactionFailed, Transactor
from headrace.errors import HeadraceError

_log = logging.getLogger("headrace.mending")

_CALL_S = 5.0
_EXPIRY_LOOK_S = 10.0  # how often a broker looks for transactions past their time, by default


class Mending:
    """Commits again what this process has committed, and ends what still seems to go on.

    Parameters
    ----------
    member
        The member of the group that the offsets are committed as.
    stranger
        Makes a consumer of the same group that asks for what is committed without waiting for
        what is pending; it never joins.
    transaction_timeout_s
        How long any member's transaction may be open.
    """

    def __init__(
        self,
        member: Consumer,
        stranger: Callable[[], Consumer],
        transactor: Transactor,
        transaction_timeout_s: float,
    ) -> None:
        self._member = member
        self._stranger = stranger
        self._transactor = transactor
        # A transaction that is really open ends by itself within this: at its time-out, when the
        # broker looks next. (With the default time-out that is twice the time-out.)
        self.after_s = transaction_timeout_s + _EXPIRY_LOOK_S

    def try_it(self, asked: list[TopicPartition]) -> None:
        """Mend, where a marker is missing and this process knows how that transaction ended.

        It may only where the group is still in the generation of the commit: else another
        member may have moved it on, and repeating a commit would move it back.
        """
        if self._present(asked) is None:
            return
        last = self._transactor.acknowledged(self._member.consumer_group_metadata())
        if not last:
            _log.warning("cannot mend: no commit of this process in the group's generation")
            return
        # Whatever was in doubt has ended then, so what is told next stays. And after a restart
        # of the coordinator, older producers may hang.
        self._transactor.open()
        present = self._present(asked)
        if present is not None:
            self._mend(last, present)

    def _mend(self, last: list[Acknowledged], present: dict[int, TopicPartition]) -> None:
        missing = _missing(last, present)
        _log.warning("mending: the end of a transaction is missing; committing %s", _told(missing))
        try:
            # In no transaction: what is refused then is refused without harm, and from then on
            # the group's offsets are right, so that it is safe to end all that is pending.
            if missing:
                self.commit(missing.values())
            for each in last:
                self._transactor.end_again(each)
        except (KafkaException, TransactionFailed) as error:
            _log.warning("not mended: %s", error)

    def commit(self, offsets: Iterable[TopicPartition]) -> None:
        """Commit as the member that this is, in no transaction.

        Raises
        ------
        KafkaException
            The broker is away, or this is not the member any more that it was.
        """
        self._member.commit(offsets=list(offsets), asynchronous=False)

    def fail_if_lost(self, asked: list[TopicPartition]) -> None:
        """Say so if the broker tells what is committed, but not that it is stable.

        Raises
        ------
        HeadraceError
            An end marker is missing, and it could not be mended here.
        """
        present = self._present(asked)
        if present is None:
            return
        raise HeadraceError(
            f"The broker answers, but the end of a transaction is missing from the offsets of "
            f"the group that reads {asked[0].topic}: whether it stands at {_told(present)} or "
            "further on is not to be known from them.",
            fix="A restart does not mend it; docs/decisions/0011-a-lost-marker.md says what does.",
        )

    def _present(self, asked: list[TopicPartition]) -> dict[int, TopicPartition] | None:
        """Return what is committed, pending or not; None where the broker does not say."""
        stranger = self._stranger()
        try:
            answer = stranger.committed(asked, _CALL_S)
        except KafkaException:
            return None
        finally:
            stranger.close()
        if any(at.error is not None for at in answer):
            return None
        return {at.partition: at for at in answer}


def _missing(
    last: list[Acknowledged], present: dict[int, TopicPartition]
) -> dict[int, TopicPartition]:
    """Return what was acknowledged and is further on than what the broker tells."""
    missing: dict[int, TopicPartition] = {}
    for at in (at for each in last for at in each.offsets):
        if at.offset > missing.get(at.partition, present[at.partition]).offset:
            missing[at.partition] = at
    return missing


def _told(offsets: dict[int, TopicPartition]) -> dict[int, int]:
    return {partition: at.offset for partition, at in offsets.items() if at.offset >= 0}
