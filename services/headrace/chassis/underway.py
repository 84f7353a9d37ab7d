"""A batch on its way through its transaction."""

from typing import Any, Generic, NamedTuple, TypeVar

from headrace.chassis.batch import InDoubt, Work
from headrace.chassis.batch_trace import BatchTrace
from headrace.chassis.limit import DeadLetterLimit
from headrace.chassis.transactor import Begun, ToProduce

V = TypeVar("V")


class Prepared(NamedTuple, Generic[V]):
    """A batch whose transaction can begin."""

    work: Work[V]
    records: list[ToProduce]
    group_metadata: Any
    """See :class:`.batch.Batch`."""
    limit: DeadLetterLimit
    """As it stands after the batch."""
    pause_reason: str | None
    """Why nothing is to follow it, if so."""
    trace: BatchTrace


class Underway(NamedTuple, Generic[V]):
    """A batch whose transaction has begun."""

    prepared: Prepared[V]
    begun: Begun
    doubt: InDoubt[V]
    """What is known of it should the transaction fail."""
