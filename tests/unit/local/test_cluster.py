import pytest

from headrace.errors import HeadraceError
from headrace.local.cluster import OwnCluster


def test_without_either_variable_there_is_no_cluster_of_ones_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "")
    assert OwnCluster.named() is None


def test_with_both_variables_that_cluster_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "broker:9092")
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "https://registry")
    assert OwnCluster.named() == OwnCluster("broker:9092", "https://registry")


@pytest.mark.parametrize(
    ("given", "absent"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL"),
        ("SCHEMA_REGISTRY_URL", "KAFKA_BOOTSTRAP_SERVERS"),
    ],
)
def test_half_a_cluster_is_an_error_that_names_the_other_half(
    given: str, absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(given, "somewhere")
    monkeypatch.delenv(absent, raising=False)
    with pytest.raises(HeadraceError, match=f"{given} is set, but {absent} is not"):
        OwnCluster.named()
