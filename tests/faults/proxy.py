"""A TCP proxy before a broker that knows a commit when it sees one, and can go dark around it.

In the dark, open connections fall silent without an end, and new ones are refused.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

HOST = "127.0.0.1"
END_TXN = 26
_HEADER = struct.Struct(">ihh")  # length of what follows, the request's kind and version
_CHUNK = 65_536

Lost = Literal["request", "answer"]


class Connection:
    """A client's connection and its other half to the broker.

    Once ``dead``, whatever either side still says is read and forgotten, so that both take it for
    silence and not for an end.
    """

    def __init__(self, client: socket.socket, broker: socket.socket) -> None:
        self.client = client
        self.broker = broker
        self.dead = False

    def close(self) -> None:
        """End both halves; whoever waits at one is woken."""
        for half in (self.client, self.broker):
            with contextlib.suppress(OSError):
                half.shutdown(socket.SHUT_RDWR)
            half.close()


class Proxy:
    """Stands between the clients of one port and a broker's listener.

    Parameters
    ----------
    port
        Where it listens: the one that the broker advertises.
    broker_port
        Where the broker's proxied listener is.
    """

    def __init__(self, port: int, broker_port: int) -> None:
        self.dark_since_commit = threading.Event()
        self._broker_port = broker_port
        self._lock = threading.Lock()
        self._connections: list[Connection] = []
        self._threads: list[threading.Thread] = []
        self._dark = False
        self._lose: Lost | None = None
        self._commits_left = 0
        self._server = socket.create_server((HOST, port))

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.hang_up()
        for thread in self._threads:
            thread.join()

    def lose(self, what: Lost, after_commits: int) -> None:
        """Go dark at a later commit: before its request reaches the broker, or its answer us."""
        with self._lock:
            self._lose, self._commits_left = what, after_commits

    def light_up(self) -> None:
        """Serve new connections again; those that were open stay silent."""
        with self._lock:
            self._dark = False

    def hang_up(self) -> None:
        """Close every connection that is open."""
        with self._lock:
            connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with self._lock:
                connection = self._connect(client)
            if connection is None:
                client.close()
                continue
            self._spawn(self._forward_requests, connection)
            self._spawn(self._forward_answers, connection)

    def _connect(self, client: socket.socket) -> Connection | None:
        """Return the client's way to the broker; None while it is dark or the broker is away."""
        if self._dark:
            return None
        try:
            broker = socket.create_connection((HOST, self._broker_port))
        except OSError:
            return None
        connection = Connection(client, broker)
        self._connections.append(connection)
        return connection

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _forward_requests(self, connection: Connection) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                header = _exactly(connection.client, _HEADER.size)
                length, kind, version = _HEADER.unpack(header)
                frame = header + _exactly(connection.client, length - _HEADER.size + 4)
                swallowed = connection.dead
                if kind == END_TXN and _commits(frame, version):
                    swallowed = self._at_commit() == "request" or swallowed
                if not swallowed:
                    connection.broker.sendall(frame)
        connection.close()

    def _forward_answers(self, connection: Connection) -> None:
        with contextlib.suppress(OSError):
            while chunk := connection.broker.recv(_CHUNK):
                if not connection.dead:
                    connection.client.sendall(chunk)
        connection.close()

    def _at_commit(self) -> Lost | None:
        """Count a commit; go dark if it is the one, and return what of it is to be lost."""
        with self._lock:
            if self._lose is None:
                return None
            self._commits_left -= 1
            if self._commits_left > 0:
                return None
            lost, self._lose, self._dark = self._lose, None, True
            for connection in self._connections:
                connection.dead = True
        self.dark_since_commit.set()
        return lost


def _commits(frame: bytes, version: int) -> bool:
    """Whether an EndTxn commits: its last field, before the tags of the later versions."""
    return frame[-1 if version < 3 else -2] == 1


def _exactly(half: socket.socket, size: int) -> bytes:
    read = bytearray()
    while len(read) < size:
        chunk = half.recv(size - len(read))
        if not chunk:
            raise EOFError
        read += chunk
    return bytes(read)
