"""An in-memory broker with the client API of confluent_kafka, for tests of recovery.

Single-threaded and without real time: what another process, a timeout or the broker would do
happens when the test says so, through :class:`FakeKafka` or a planned fault. What it claims to
do as the real broker does is held to it by ``tests/integration/test_fake_parity.py``.
"""

from support.fake_kafka.broker import FakeKafka
from support.fake_kafka.clients import FakeClients
from support.fake_kafka.faults import (
    CrashNow,
    crash_after,
    crash_before,
    lose_answer,
    meanwhile,
    refuse,
)

__all__ = [
    "CrashNow",
    "FakeClients",
    "FakeKafka",
    "crash_after",
    "crash_before",
    "lose_answer",
    "meanwhile",
    "refuse",
]
