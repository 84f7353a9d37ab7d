"""Whether something answers: asked by the plainest request that only the real thing understands."""

import http.client
import socket
import struct
import urllib.parse

from headrace.local.settings import HOST

_API_VERSIONS = 18
_PROBE_ID = 0x48454144


def port_is_taken(port: int) -> bool:
    """Whether another process listens on ``port`` of this machine.

    It is bound as Java binds it: a port whose last connections still linger is free.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError:
            return True
    return False


def kafka_answers(port: int, timeout_s: float = 1.0) -> bool:
    """Whether a broker on ``port`` handles requests, by Kafka's ApiVersions (key 18, version 0).

    A broker opens its port before it is ready and answers only once it has joined its cluster.
    """
    request = struct.pack(">hhih", _API_VERSIONS, 0, _PROBE_ID, -1)
    try:
        with socket.create_connection((HOST, port), timeout=timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(struct.pack(">i", len(request)) + request)
            header = connection.recv(10, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(header) == 10 and struct.unpack(">iih", header)[1:] == (_PROBE_ID, 0)


def registry_answers(url: str, timeout_s: float = 1.0) -> bool:
    """Whether the registry at ``url`` lists its subjects."""
    return _answers(f"{url}/subjects", timeout_s)


def zipkin_answers(url: str, timeout_s: float = 1.0) -> bool:
    """Whether the Zipkin at ``url`` lists the services whose traces it keeps."""
    return _answers(f"{url}/api/v2/services", timeout_s)


def _answers(url: str, timeout_s: float) -> bool:
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(
        address.hostname or HOST, address.port, timeout=timeout_s
    )
    try:
        connection.request("GET", address.path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
