"""Whether a service lives, is ready, and how far behind it is: over HTTP."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from types import TracebackType
from typing import Self

import orjson

from headrace.errors import HeadraceError

_SILENT_MOST_S = 60.0


@dataclass
class Health:
    """What the stream says of itself; written by its loop, read by the endpoint."""

    service: str
    not_ready: str = "starting"
    """Why it is not ready; empty when it is."""
    lag: dict[int, int] = field(default_factory=dict)
    """Records waiting, by partition in hand."""
    _beat: float = field(default_factory=monotonic)

    def beat(self) -> None:
        """Say that the loop turns."""
        self._beat = monotonic()

    def live(self) -> dict[str, object]:
        """Return whether the loop has turned lately."""
        silent_s = monotonic() - self._beat
        return {
            "service": self.service,
            "ok": silent_s < _SILENT_MOST_S,
            "silent_s": round(silent_s, 1),
        }

    def ready(self) -> dict[str, object]:
        """Return whether records are being processed, and if not, why."""
        return {"service": self.service, "ok": not self.not_ready, "why_not": self.not_ready}

    def behind(self) -> dict[str, object]:
        """Return how many records wait."""
        lag = dict(self.lag)
        return {
            "service": self.service,
            "ok": True,
            "records": sum(lag.values()),
            "partitions": {str(partition): records for partition, records in lag.items()},
        }


class HealthEndpoint:
    """Serves ``/live``, ``/ready``, ``/lag`` and ``/metrics``; 503 where the answer is no.

    Raises
    ------
    HeadraceError
        The port is taken.
    """

    def __init__(self, host: str, port: int, health: Health, metrics: Callable[[], bytes]) -> None:
        answers: dict[str, Callable[[], dict[str, object]]] = {
            "/live": health.live,
            "/ready": health.ready,
            "/lag": health.behind,
        }

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._send(200, "text/plain; version=0.0.4", metrics())
                elif self.path in answers:
                    answer = answers[self.path]()
                    self._send(
                        200 if answer["ok"] else 503, "application/json", orjson.dumps(answer)
                    )
                else:
                    self._send(404, "text/plain", b"try /live, /ready, /lag or /metrics\n")

            def _send(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing: probes come every few seconds."""

        try:
            self._server = ThreadingHTTPServer((host, port), Answer)
        except OSError as error:
            raise HeadraceError(
                f"The health endpoint cannot listen on {host}:{port} ({error.strerror}).",
                fix="Set HEADRACE_HEALTH_PORT to a free port.",
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True
        )

    @property
    def address(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        """Start to answer."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
