"""Calls of librdkafka in threads of their own: beside other work, or within a limit.

Its calls let other threads run while they wait for the broker.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue

from confluent_kafka import KafkaError, KafkaException

Answer = Future[None]


class Beside:
    """Makes calls in a thread of its own, one after the other."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], object], Answer]] = SimpleQueue()
        # Nobody waits for it, not even the end of the process: a call may never return.
        threading.Thread(target=self._work, daemon=True).start()

    def __call__(self, call: Callable[[], object]) -> Answer:
        """Have a call made; the answer raises what the call does."""
        answer = Answer()
        self._calls.put((call, answer))
        return answer

    def _work(self) -> None:
        while True:
            make(*self._calls.get())


class Within:
    """Gives a limit to calls that do not keep their own.

    The thread of one that does not return is left behind.
    """

    def __init__(self) -> None:
        self._beside = Beside()

    def __call__(self, limit_s: float, call: Callable[[], object]) -> None:
        """Make the call.

        Raises
        ------
        KafkaException
            The call's own, or a time-out: the call may go on, and what it used is lost.
        """
        answer = self._beside(call)
        try:
            answer.result(limit_s)
        except TimeoutError as error:
            self._beside = Beside()
            raise KafkaException(
                KafkaError(KafkaError._TIMED_OUT, f"no answer within {limit_s:.0f} s")
            ) from error


def make(call: Callable[[], object], answer: Answer) -> None:
    """Make a call here, and let its answer say how it ended."""
    try:
        call()
    except BaseException as error:  # noqa: BLE001 -- handed to the thread that asked
        answer.set_exception(error)
    else:
        answer.set_result(None)
