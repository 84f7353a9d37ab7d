"""Settings come from the environment; security settings reach every client as librdkafka's."""

import pytest

from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings, StreamSettings, security
from headrace.errors import HeadraceError

# Nobody is asked: librdkafka checks its settings when a client is made.
SECURE = {
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
    "KAFKA_SASL_USERNAME": "scoring",
    "KAFKA_SASL_PASSWORD": "a secret",
    "KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM": "none",
    "KAFKA_ENABLE_SSL_CERTIFICATE_VERIFICATION": "false",
}


def test_security_variables_become_the_settings_of_librdkafka():
    environment = {**SECURE, "KAFKA_SSL_CA_LOCATION": "/etc/ca.pem", "KAFKA_SSL_KEY_PASSWORD": "k"}
    assert security(environment) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "scoring",
        "sasl.password": "a secret",
        "ssl.endpoint.identification.algorithm": "none",
        "enable.ssl.certificate.verification": "false",
        "ssl.ca.location": "/etc/ca.pem",
        "ssl.key.password": "k",
    }


def test_other_variables_never_become_settings_of_librdkafka():
    others = {"KAFKA_BOOTSTRAP_SERVERS": "x", "KAFKA_HOME": "y", "SASL_USERNAME": "z", "PATH": "."}
    assert security(others) == {}


CLIENTS = {
    "consumer": lambda clients: clients.consumer("group"),
    "reader": lambda clients: clients.reader(),
    "producer": lambda clients: clients.producer(),
    "transactional producer": lambda clients: clients.transactional_producer("id", 10_000),
    "admin": lambda clients: clients.admin(),
}


@pytest.fixture
def secured(monkeypatch):
    for name, value in SECURE.items():
        monkeypatch.setenv(name, value)
    return KafkaSettings(bootstrap_servers="127.0.0.1:1")


@pytest.mark.parametrize("kind", CLIENTS)
def test_every_client_takes_the_security_settings(secured, kind):
    CLIENTS[kind](Clients(secured))


@pytest.mark.parametrize("kind", CLIENTS)
def test_no_client_is_made_without_them(secured, monkeypatch, kind):
    monkeypatch.setenv("KAFKA_SASL_MECHANISM", "NONE-SUCH")
    with pytest.raises(HeadraceError, match="NONE-SUCH"):
        CLIENTS[kind](Clients(secured))


def test_the_clusters_address_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "broker-1:9092,broker-2:9092")
    assert KafkaSettings().bootstrap_servers == "broker-1:9092,broker-2:9092"


def test_where_no_cluster_is_named_it_is_the_local_stacks(monkeypatch):
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("HEADRACE_KAFKA_PORT", "19999")
    assert KafkaSettings().bootstrap_servers == "127.0.0.1:19999"


def test_each_setting_of_a_stream_comes_from_its_variable(monkeypatch):
    for name, value in {
        "HEADRACE_INSTANCE": "scoring-3",
        "HEADRACE_BATCH_RECORDS": "50",
        "HEADRACE_DEAD_LETTER_LIMIT": "false",
        "HEADRACE_DEAD_LETTER_RATIO": "0.25",
    }.items():
        monkeypatch.setenv(name, value)
    settings = StreamSettings()
    assert (settings.instance, settings.batch_records) == ("scoring-3", 50)
    assert (settings.dead_letter_limit, settings.dead_letter_ratio) == (False, 0.25)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEADRACE_INSTANCE", " "),
        ("HEADRACE_BATCH_RECORDS", "0"),
        ("HEADRACE_BATCH_RECORDS", "many"),
        ("HEADRACE_DEAD_LETTER_RATIO", "0"),
        ("HEADRACE_DEAD_LETTER_RATIO", "1.1"),
        ("HEADRACE_DEAD_LETTER_RUN", "0"),
        ("HEADRACE_HEALTH_PORT", "65536"),
        ("HEADRACE_SESSION_TIMEOUT_MS", "999"),
        ("HEADRACE_SETTLE_TIMEOUT_S", "0"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(HeadraceError, match=f"{name}: "):
        StreamSettings()
