"""The registry's answers become ours: ids, schemas, KeyError, or an error that says what to do."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from headrace.contracts import registry as module
from headrace.contracts.registry import Registry, RegistrySettings, RegistryUnavailable
from headrace.contracts.schemas import load_schema
from headrace.errors import HeadraceError

SCHEMA = load_schema("platform/PauseChanged")
FOUND = {"id": 7, "subject": "t-value", "version": 1, "schema": json.dumps(SCHEMA)}
NO_SUBJECT = {"error_code": 40401, "message": "Subject not found."}
NO_SCHEMA = {"error_code": 40403, "message": "Schema not found."}


class Script(HTTPServer):
    """Answers each path with what the test says, and remembers what was asked."""

    answers: dict[str, tuple[int, Any]]
    asked: list[tuple[str, str, str | None]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Script

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        path = self.path.partition("?")[0]
        self.server.asked.append((self.command, path, self.headers.get("Authorization")))
        status, body = self.server.answers.get(f"{self.command} {path}", (404, NO_SUBJECT))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 -- the library's names

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def script() -> Iterator[Script]:
    server = Script(("127.0.0.1", 0), Answer)
    server.answers, server.asked = {}, []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def registry(script: Script, **settings: Any) -> Registry:
    return Registry(RegistrySettings(url=script.url, **settings))


def test_the_id_of_a_registered_schema_is_looked_up(script):
    script.answers["POST /subjects/t-value"] = (200, FOUND)
    assert registry(script).schema_id("t-value", SCHEMA) == 7


@pytest.mark.parametrize("answer", [NO_SUBJECT, NO_SCHEMA])
def test_a_schema_that_is_not_registered_is_an_error_that_names_the_command(script, answer):
    script.answers["POST /subjects/t-value"] = (404, answer)
    with pytest.raises(HeadraceError, match="t-value") as refused:
        registry(script).schema_id("t-value", SCHEMA)
    assert "headrace topics apply" in refused.value.fix
    assert registry(script).find("t-value", SCHEMA) is None


def test_looking_up_never_registers(script):
    with pytest.raises(HeadraceError):
        registry(script).schema_id("t-value", SCHEMA)
    assert {path for _, path, _ in script.asked} == {"/subjects/t-value"}


def test_a_writer_is_asked_for_once(script):
    script.answers["GET /schemas/ids/7"] = (200, {"schema": json.dumps(SCHEMA)})
    asked = registry(script)
    assert [asked.writer(7) for _ in range(3)] == [SCHEMA] * 3
    assert len(script.asked) == 1


def test_a_writer_that_was_found_survives_the_registry(script):
    script.answers["GET /schemas/ids/7"] = (200, {"schema": json.dumps(SCHEMA)})
    asked = registry(script)
    asked.writer(7)
    script.answers.clear()
    script.answers["GET /schemas/ids/8"] = (403, {"error_code": 40301, "message": "No."})
    assert asked.writer(7) == SCHEMA
    with pytest.raises(RegistryUnavailable):
        asked.writer(8)


def test_an_unknown_id_is_remembered_for_a_while(script):
    now_s = 0.0
    asked = Registry(RegistrySettings(url=script.url), lambda: now_s)
    script.answers["GET /schemas/ids/9"] = (404, NO_SCHEMA)
    for _ in range(3):
        with pytest.raises(KeyError):
            asked.writer(9)
    assert len(script.asked) == 1
    script.answers["GET /schemas/ids/9"] = (200, {"schema": json.dumps(SCHEMA)})
    now_s = module.UNKNOWN_REMEMBERED_S + 1
    assert asked.writer(9) == SCHEMA


def test_only_so_many_unknown_ids_are_remembered(script, monkeypatch):
    monkeypatch.setattr(module, "UNKNOWN_REMEMBERED_MAX", 3)
    asked = registry(script)
    for schema_id in (1, 2, 3, 4, 4, 3, 2):
        with pytest.raises(KeyError):
            asked.writer(schema_id)
    assert [path for _, path, _ in script.asked] == [f"/schemas/ids/{n}" for n in (1, 2, 3, 4)]
    with pytest.raises(KeyError):
        asked.writer(1)
    assert len(script.asked) == 5


@pytest.mark.parametrize(
    "text", ["message Protobuf {}", '"string"', "[]", "[" * 100_000, None], ids=lambda t: str(t)[:9]
)
def test_what_is_no_avro_record_is_an_empty_schema(script, text):
    script.answers["GET /schemas/ids/3"] = (200, {"schema": text})
    assert registry(script).writer(3) == {}


@pytest.mark.parametrize("status", [401, 403, 400])
def test_an_answer_that_is_no_answer_says_so(script, status):
    script.answers["GET /schemas/ids/3"] = (status, {"error_code": status, "message": "No entry."})
    with pytest.raises(RegistryUnavailable, match=f"answers {status}: No entry"):
        registry(script).writer(3)


def test_a_page_of_something_else_is_not_taken_for_an_answer(script):
    script.answers["GET /schemas/ids/3"] = (403, b"<html>proxy</html>")
    with pytest.raises(RegistryUnavailable, match="403"):
        registry(script).writer(3)
    script.answers["GET /schemas/ids/3"] = (200, b"<html>login</html>")
    with pytest.raises(RegistryUnavailable, match="not in Confluent's"):
        registry(script).writer(3)


def test_a_wrong_address_is_not_taken_for_a_schema_that_there_is_not(script):
    for body in (b"<html>not found</html>", {"error_code": 404, "message": "HTTP 404 Not Found"}):
        script.answers["GET /schemas/ids/3"] = (404, body)
        with pytest.raises(RegistryUnavailable, match="404"):
            registry(script).writer(3)


def test_a_registry_that_does_not_answer_is_an_error_that_says_what_to_do():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(RegistryUnavailable, match="does not answer") as refused:
            Registry(RegistrySettings(url=url)).schema_id("t-value", SCHEMA)
    assert "headrace up" in refused.value.fix
    assert url in refused.value.message


def test_credentials_are_sent(script):
    script.answers["POST /subjects/t-value"] = (200, FOUND)
    asked = registry(script, basic_auth=SecretStr("ann:pass"))
    asked.schema_id("t-value", SCHEMA)
    assert script.asked[0][2] == "Basic YW5uOnBhc3M="


@pytest.mark.parametrize(
    "settings",
    [{"url": "registry:8081"}, {"basic_auth": SecretStr("ann")}, {"ca_location": "/nowhere.pem"}],
    ids=lambda settings: next(iter(settings)),
)
def test_settings_that_cannot_be_used_are_an_error_that_names_them(settings):
    with pytest.raises(HeadraceError, match="settings cannot be used") as refused:
        Registry(RegistrySettings(**settings))
    assert "SCHEMA_REGISTRY_URL" in refused.value.fix


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "https://registry.example:8081")
    monkeypatch.setenv("SCHEMA_REGISTRY_BASIC_AUTH", "ann:pass")
    monkeypatch.setenv("SCHEMA_REGISTRY_CA_LOCATION", "ca.pem")
    settings = RegistrySettings()
    assert settings.url == "https://registry.example:8081"
    assert settings.basic_auth == SecretStr("ann:pass")
    assert settings.ca_location == "ca.pem"
    assert "pass" not in repr(settings)


def test_a_refused_registration_has_the_registrys_words(script):
    refusal = {"error_code": 409, "message": "amount_minor: type changed"}
    script.answers["POST /subjects/t-value/versions"] = (409, refusal)
    with pytest.raises(HeadraceError, match="amount_minor: type changed"):
        registry(script).register("t-value", SCHEMA)


def test_a_subject_without_versions_takes_any_schema(script):
    assert registry(script).is_compatible("t-value", SCHEMA) == []
    assert registry(script).latest("t-value") is None
    assert registry(script).compatibility("t-value") is None


def versions(script: Script, schema: Any, verdict: dict[str, Any]) -> None:
    version = {**FOUND, "schema": json.dumps(schema)}
    script.answers["GET /subjects/t-value/versions"] = (200, [1])
    script.answers["GET /subjects/t-value/versions/1"] = (200, version)
    script.answers["POST /compatibility/subjects/t-value/versions"] = (200, verdict)


def test_an_incompatible_schema_is_explained_even_where_the_registry_would_take_it(script):
    lacking = {**SCHEMA, "fields": SCHEMA["fields"][:-1]}
    versions(script, lacking, {"is_compatible": True})
    (reason,) = registry(script).is_compatible("t-value", SCHEMA)
    assert reason.startswith("version 1: the new version cannot read the old: changed_at_ms: ")


def test_the_registrys_verdict_counts_even_where_we_see_no_reason(script):
    versions(script, SCHEMA, {"is_compatible": False})
    assert registry(script).is_compatible("t-value", SCHEMA) == [
        "the registry calls it incompatible and does not say why"
    ]


def test_a_subject_that_holds_another_kind_of_schema_is_incompatible(script):
    versions(script, {"type": "object"}, {"is_compatible": True})
    assert registry(script).is_compatible("t-value", SCHEMA) == [
        "version 1: what is no record cannot become headrace.PauseChanged"
    ]
