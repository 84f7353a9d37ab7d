"""A webhook's receiver on this machine: it keeps what it is sent, and answers as it is told."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any


@dataclass(frozen=True)
class Delivery:
    """One request."""

    headers: dict[str, str]
    """By name in small letters."""
    body: bytes
    status: int
    """What was answered."""

    @property
    def alert_id(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads(self.body)
        return payload

    @property
    def is_watchdog(self) -> bool:
        return self.alert_id.startswith("watchdog/")


@dataclass
class Receiver:
    """What was sent to it."""

    url: str = ""
    deliveries: list[Delivery] = field(default_factory=list)
    answer: Callable[[str], int] = lambda _alert_id: 200
    """The status for an alert."""

    def alerts(self) -> list[Delivery]:
        """Return what was accepted, signs of life aside."""
        return [each for each in self.deliveries if each.status == 200 and not each.is_watchdog]

    def changes(self) -> list[str]:
        """Return what has become of incidents, as it was told."""
        return [each.payload["commonAnnotations"]["change"] for each in self.alerts()]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive for a while."""
    receiver, lock = Receiver(), Lock()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                status = receiver.answer(headers["idempotency-key"])
                receiver.deliveries.append(Delivery(headers, body, status))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/alerts"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
