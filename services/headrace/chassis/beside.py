"""Calls of librdkafka beside other work: they let other threads run while they wait."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from queue import SimpleQueue

from confluent_kafka import KafkaError, KafkaException

Call = Callable[[], object]
Answer = Future[None]


class Beside:
    """Makes calls in a thread of its own, which is left behind where one does not return."""

    def __init__(self) -> None:
        self._calls = _worker()

    def begin(self, call: Call) -> Answer:
        """Have a call made, after those that were begun before."""
        answer, context = Answer(), copy_context()  # what it logs names the caller's trace
        self._calls.put((lambda: context.run(call), answer))
        return answer

    def end(self, answer: Answer, limit_s: float) -> None:
        """Wait for a call.

        Raises
        ------
        KafkaException
            The call's own, or a time-out: the call may go on, and what it used is lost.
        """
        try:
            answer.result(limit_s)
        except TimeoutError as error:
            self._calls = _worker()
            raise KafkaException(
                KafkaError(KafkaError._TIMED_OUT, f"no answer within {limit_s:.0f} s")
            ) from error


def make(call: Call, answer: Answer) -> None:
    """Make a call here, and let its answer say how it ended."""
    try:
        call()
    except BaseException as error:  # noqa: BLE001 -- handed to the thread that asked
        answer.set_exception(error)
    else:
        answer.set_result(None)


_Calls = SimpleQueue[tuple[Call, Answer]]


def _worker() -> _Calls:
    """Start a thread that nobody waits for, not even the end of the process."""
    calls: _Calls = SimpleQueue()
    threading.Thread(target=_work, args=(calls,), daemon=True).start()
    return calls


def _work(calls: _Calls) -> None:
    while True:
        make(*calls.get())
