import hashlib
import re
from pathlib import Path

import pytest

from headrace.contracts.location import shipped
from headrace.errors import HeadraceError
from headrace.local.artifacts import Artifact, load_lock

TABLE = """
[[artifacts]]
part = "kafka"
group = "org.example"
artifact = "thing"
version = "1.0"
classifier = ""
packaging = "jar"
size_bytes = 5
sha256 = "{sha256}"
"""


def test_the_shipped_lock_pins_every_file_by_its_digest() -> None:
    artifacts = load_lock()
    assert all(re.fullmatch("[0-9a-f]{64}", artifact.sha256) for artifact in artifacts)
    assert {artifact.part for artifact in artifacts} == {"kafka", "registry", "zipkin"}


def test_the_shipped_lock_names_no_host() -> None:
    assert "//" not in (shipped("deploy") / "local" / "jars.lock.toml").read_text()


def test_a_file_is_named_as_in_every_maven_repository() -> None:
    names = {artifact.filename for artifact in load_lock()}
    assert {
        "kafka_2.13-4.3.1.jar",
        "apicurio-registry-app-3.3.3-all.tar.gz",
        "zipkin-server-3.5.1-exec.jar",
    } <= names


@pytest.mark.parametrize(
    "content",
    [
        "no TOML at all [",
        "[other]",
        TABLE.replace('sha256 = "{sha256}"', ""),
        TABLE + 'host = "example"',
        TABLE + TABLE,
    ],
)
def test_what_is_no_lock_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "lock.toml").write_text(content)
    with pytest.raises(HeadraceError, match=r"lock\.toml"):
        load_lock(tmp_path / "lock.toml")


@pytest.mark.parametrize(
    ("content", "whole"),
    [(b"right", True), (b"wrong", False), (b"righ", False), (b"right!", False), (b"", False)],
)
def test_a_file_is_whole_when_it_has_exactly_the_locked_bytes(
    content: bytes, whole: bool, tmp_path: Path
) -> None:
    sha256 = hashlib.sha256(b"right").hexdigest()
    artifact = Artifact("kafka", "org.example", "thing", "1.0", "", "jar", 5, sha256)
    (tmp_path / "file").write_bytes(content)
    assert artifact.is_whole(tmp_path / "file") is whole


def test_a_missing_file_is_not_whole(tmp_path: Path) -> None:
    assert not load_lock()[0].is_whole(tmp_path / "absent")
