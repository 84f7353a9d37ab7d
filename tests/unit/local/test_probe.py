import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from headrace.local.probe import kafka_answers, port_is_taken, registry_answers, zipkin_answers


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def _port(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def _answer_with(listener: socket.socket, answer: bytes) -> threading.Thread:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def test_a_port_is_taken_while_somebody_listens(listener: socket.socket) -> None:
    port = _port(listener)
    assert port_is_taken(port)
    listener.close()
    assert not port_is_taken(port)


def test_a_listener_that_says_nothing_is_no_broker(listener: socket.socket) -> None:
    assert not kafka_answers(_port(listener), timeout_s=0.1)


def test_a_web_server_is_no_broker(listener: socket.socket) -> None:
    thread = _answer_with(listener, b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert not kafka_answers(_port(listener), timeout_s=5)
    thread.join()


def test_a_broker_answers_with_the_requests_id_and_no_error(listener: socket.socket) -> None:
    thread = _answer_with(listener, struct.pack(">iih", 6, 0x48454144, 0))
    assert kafka_answers(_port(listener), timeout_s=5)
    thread.join()


def test_a_closed_port_is_no_broker_no_registry_and_no_zipkin(listener: socket.socket) -> None:
    port = _port(listener)
    listener.close()
    assert not kafka_answers(port)
    assert not registry_answers(f"http://127.0.0.1:{port}/apis/ccompat/v7")
    assert not zipkin_answers(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(("status", "ready"), [("200 OK", True), ("503 Starting", False)])
@pytest.mark.parametrize("answers", [registry_answers, zipkin_answers])
def test_a_registry_is_ready_when_it_lists_its_subjects_and_a_zipkin_its_services(
    answers: Callable[[str], bool], status: str, ready: bool, listener: socket.socket
) -> None:
    answer = f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n[]".encode()
    thread = _answer_with(listener, answer)
    assert answers(f"http://127.0.0.1:{_port(listener)}/v7") is ready
    thread.join()
