from pathlib import Path

import pytest

from headrace.errors import HeadraceError
from headrace.local.settings import LocalSettings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "JARS", "KAFKA_PORT", "CONTROLLER_PORT", "REGISTRY_PORT", "ZIPKIN_PORT"):
        monkeypatch.delenv(f"HEADRACE_{name}", raising=False)


def test_everything_is_under_one_folder_of_the_working_directory() -> None:
    settings = LocalSettings()
    assert settings.home == Path.cwd() / ".headrace"
    assert settings.jars == settings.home / "jars"


def test_the_programs_can_be_shared_by_several_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_HOME", "/one")
    monkeypatch.setenv("HEADRACE_JARS", "/shared")
    settings = LocalSettings()
    assert (settings.home, settings.jars) == (Path("/one"), Path("/shared"))


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_KAFKA_PORT", "")
    monkeypatch.setenv("HEADRACE_HOME", "")
    settings = LocalSettings()
    assert settings.kafka_port == 19_092
    assert settings.home.name == ".headrace"


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_KAFKA_PORT", "ninety")
    monkeypatch.setenv("HEADRACE_REGISTRY_PORT", "70000")
    with pytest.raises(HeadraceError, match=r"HEADRACE_KAFKA_PORT.*HEADRACE_REGISTRY_PORT"):
        LocalSettings()


def test_clients_find_each_part_where_its_port_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_ZIPKIN_PORT", "9411")
    settings = LocalSettings()
    assert settings.bootstrap_servers == "127.0.0.1:19092"
    assert settings.registry_url == "http://127.0.0.1:18081/apis/ccompat/v7"
    assert settings.traces_url == "http://127.0.0.1:9411"


@pytest.mark.parametrize("other", [19_093, 18_081, 19_411])
def test_two_parts_cannot_have_one_port(other: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_KAFKA_PORT", str(other))
    with pytest.raises(HeadraceError, match="must differ"):
        LocalSettings()


@pytest.mark.parametrize("sign", [":", ",", ";", "\n"])
def test_a_folder_that_java_cannot_be_told_is_refused(
    sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_HOME", f"/a{sign}b")
    with pytest.raises(HeadraceError, match="HEADRACE_HOME"):
        LocalSettings()
