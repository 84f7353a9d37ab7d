"""Publishing dead letters' records again, each in one transaction with the record that says so."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from time import monotonic
from typing import Final, NamedTuple, TypeVar

from confluent_kafka import KafkaException, Message, Producer

from headrace.chassis.clients import Clients
from headrace.chassis.topology import Channel
from headrace.contracts.records import ReplayRequested
from headrace.errors import HeadraceError
from headrace.explaining.letters import Letter

Result = TypeVar("Result")

_BATCH: Final = 200
_TRANSACTION_S: Final = 30
_CALL_S: Final = 10.0


class Order(NamedTuple):
    """Who wants it, why and when."""

    by: str
    reason: str
    now_ms: int


class Replayer:
    """Publishes dead letters again.

    It goes to the partition that it came from, whatever its key: there its key is known, so an
    id that was decided already stays a duplicate.

    Parameters
    ----------
    dead_letters
        The topic that the letters stand in.
    replays
        Where it is written down.
    """

    def __init__(
        self, clients: Clients, use_case: str, dead_letters: str, replays: Channel
    ) -> None:
        # One id for all of a use case: a second replay at the same time fences the first.
        self._producer = clients.transactional_producer(
            f"{use_case}.replays", _TRANSACTION_S * 1_000
        )
        self._dead_letters = dead_letters
        self._replays = replays
        _made(lambda: self._producer.init_transactions(_TRANSACTION_S), "nothing was replayed")

    def replay(self, letters: Iterable[Letter], order: Order) -> list[ReplayRequested]:
        """Publish letters again, a bounded number in a transaction.

        Raises
        ------
        HeadraceError
            A transaction failed: the message says how many were committed before it.
        """
        done: list[ReplayRequested] = []
        rest = iter(letters)
        while some := list(islice(rest, _BATCH)):
            see = f"headrace tail {self._replays.topic} --no-follow"
            so_far = f"{len(done)} were replayed before; see `{see}`"
            done += _made(partial(self._transact, some, order), so_far)
        return done

    def _transact(self, letters: Sequence[Letter], order: Order) -> list[ReplayRequested]:
        producer = self._producer
        producer.begin_transaction()
        try:
            offsets = self._publish(letters)
            facts = [
                self._fact(letter, offset, order)
                for letter, offset in zip(letters, offsets, strict=True)
            ]
            for letter, fact in zip(letters, facts, strict=True):
                value = self._replays.encode(fact)
                producer.produce(self._replays.topic, value, str(letter.place))
        except BaseException:
            producer.abort_transaction(_CALL_S)
            raise
        _commit(producer)
        return facts

    def _publish(self, letters: Sequence[Letter]) -> list[int]:
        """Publish the letters' records, and return their offsets."""
        offsets: dict[int, int] = {}
        for number, (_, record) in enumerate(letters):
            self._producer.produce(
                record["source_topic"],
                record["value"],
                record["key"],
                record["source_partition"],
                headers=[(each["name"], each["value"]) for each in record["headers"]],
                on_delivery=_noted(offsets, number),
            )
        self._producer.flush(_CALL_S)
        if len(offsets) < len(letters):
            raise HeadraceError(
                "The broker has not taken every record, so nothing of this transaction is there.",
                fix="Look for a broker that is away, and try again.",
            )
        return [offsets[number] for number in range(len(letters))]

    def _fact(self, letter: Letter, offset: int, order: Order) -> ReplayRequested:
        record = letter.record
        return {
            "dead_letter_topic": self._dead_letters,
            "dead_letter_partition": letter.place.partition,
            "dead_letter_offset": letter.place.offset,
            "dead_letter_reason": record["reason"],
            "source_topic": record["source_topic"],
            "source_partition": record["source_partition"],
            "source_offset": record["source_offset"],
            "replayed_offset": offset,
            "by": order.by,
            "reason": order.reason,
            "requested_at_ms": order.now_ms,
        }


def _noted(offsets: dict[int, int], number: int) -> Callable[[object, Message], None]:
    def delivered(error: object, message: Message) -> None:
        if error is None:
            offsets[number] = message.offset() or 0

    return delivered


def _commit(producer: Producer) -> None:
    until = monotonic() + _TRANSACTION_S
    while True:
        try:
            producer.commit_transaction(_CALL_S)
        except KafkaException as error:
            if error.args[0].txn_requires_abort():
                producer.abort_transaction(_CALL_S)
                raise
            if not error.args[0].retriable() or monotonic() > until:
                raise
        else:
            return


def _made(call: Callable[[], Result], so_far: str) -> Result:
    try:
        return call()
    except KafkaException as error:
        raise HeadraceError(
            f"The replay failed: {error.args[0].str()}; {so_far}.",
            fix="Look for a broker that is away, or another replay at the same time.",
        ) from error
