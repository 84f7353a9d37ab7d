"""Giving a limit to a call of librdkafka that does not keep its own."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue

from confluent_kafka import KafkaError, KafkaException


class Within:
    """Makes calls in a thread of its own, which is left behind where a call does not return."""

    def __init__(self) -> None:
        self._calls = _worker()

    def __call__(self, limit_s: float, call: Callable[[], object]) -> None:
        """Make the call.

        Raises
        ------
        KafkaException
            The call's own, or a time-out: the call may go on, and what it used is lost.
        """
        done: Future[None] = Future()
        self._calls.put((call, done))
        try:
            done.result(limit_s)
        except TimeoutError as error:
            self._calls = _worker()
            raise KafkaException(
                KafkaError(KafkaError._TIMED_OUT, f"no answer within {limit_s:.0f} s")
            ) from error


_Calls = SimpleQueue[tuple[Callable[[], object], Future[None]]]


def _worker() -> _Calls:
    """Start a thread that nobody waits for, not even the end of the process."""
    calls: _Calls = SimpleQueue()
    threading.Thread(target=_work, args=(calls,), daemon=True).start()
    return calls


def _work(calls: _Calls) -> None:
    while True:
        _answer(*calls.get())


def _answer(call: Callable[[], object], done: Future[None]) -> None:
    try:
        call()
    except BaseException as error:  # noqa: BLE001 -- handed to the thread that asked
        done.set_exception(error)
    else:
        done.set_result(None)
