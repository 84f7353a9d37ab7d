"""Handing a batch to the handler, and finding the record on which it fails."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from confluent_kafka import KafkaException

from headrace.chassis.companion import OutOfStep
from headrace.chassis.records import Handled, Received, Rejected
from headrace.chassis.stages import StageClock
from headrace.chassis.state import Overlay, View
from headrace.contracts.registry import RegistryUnavailable

V = TypeVar("V")
Handler = Callable[[Sequence[Received], View[V], StageClock], Handled]

NOT_THE_RECORDS_FAULT = (OSError, MemoryError, KafkaException, RegistryUnavailable, OutOfStep)
"""A full disk or a lost broker: these end the process, and the restart is the recovery. A registry
that is away is waited for."""


def handle(
    handler: Handler[V],
    received: Sequence[Received],
    overlay_of: Callable[[], Overlay[V]],
    clock: StageClock,
) -> tuple[Handled, Overlay[V]]:
    """Handle a batch; a record that fails, and fails again alone, is rejected.

    Parameters
    ----------
    overlay_of
        Gives an empty overlay over what the batch finds.

    Returns
    -------
    What came of the batch in the order of its records, and the changes it made.
    """
    overlay = overlay_of()
    try:
        return handler(received, overlay, clock), overlay
    except NOT_THE_RECORDS_FAULT:
        raise
    except Exception:  # noqa: BLE001 -- whatever a handler raises, one of the records causes it
        clock.enter("handle")
    overlay = overlay_of()  # the failed one may be half changed
    return _bisect(handler, received, overlay, clock), overlay


def _bisect(
    handler: Handler[V], received: Sequence[Received], overlay: Overlay[V], clock: StageClock
) -> Handled:
    middle = len(received) // 2
    halves = (received[:middle], received[middle:]) if middle else (received,)
    whole = Handled([], [], Counter())
    for half in halves:
        handled = _attempt(handler, half, overlay, clock)
        whole.outgoing.extend(handled.outgoing)
        whole.rejected.extend(handled.rejected)
        whole.counts.update(handled.counts)
    return whole


def _attempt(
    handler: Handler[V], received: Sequence[Received], overlay: Overlay[V], clock: StageClock
) -> Handled:
    above = overlay.above()
    try:
        handled = handler(received, above, clock)
    except NOT_THE_RECORDS_FAULT:
        raise
    except Exception as error:  # noqa: BLE001 -- as above
        clock.enter("handle")
        if len(received) > 1:
            return _bisect(handler, received, overlay, clock)
        detail = f"{type(error).__name__}: {error}"
        return Handled([], [Rejected(received[0], "handler_failed", detail)], Counter())
    overlay.absorb(above)
    return handled
