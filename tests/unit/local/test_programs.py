import contextlib
import hashlib
import io
import tarfile
from pathlib import Path
from typing import ClassVar

import jgo.maven
import pytest

from headrace.errors import HeadraceError
from headrace.local.artifacts import Artifact
from headrace.local.programs import Programs


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("quarkus-run.jar")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"run"))
    return buffer.getvalue()


JAR, ARCHIVE, ZIPKIN = b"a jar's bytes", _archive(), b"Zipkin's bytes"


def _lock() -> list[Artifact]:
    def artifact(part, name, classifier, packaging, content):
        digest = hashlib.sha256(content).hexdigest()
        return Artifact(part, "org.example", name, "1", classifier, packaging, len(content), digest)

    return [
        artifact("kafka", "broker", "", "jar", JAR),
        artifact("registry", "registry", "all", "tar.gz", ARCHIVE),
        artifact("zipkin", "zipkin", "exec", "jar", ZIPKIN),
    ]


class FakeRepository(jgo.maven.PythonResolver):
    """A Maven repository whose answers a test sets: bytes, or an error after half of them."""

    answers: ClassVar[dict[str, list[bytes | Exception]]] = {}
    asked: ClassVar[list[str]] = []

    def download(self, artifact: jgo.maven.Artifact) -> Path:
        self.asked.append(artifact.filename)
        answers = self.answers[artifact.filename]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        path = artifact.cached_path
        assert path is not None
        assert not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        assert self.progress_callback
        with self.progress_callback(artifact.filename, 1) as received:
            if isinstance(answer, Exception):
                path.write_bytes(b"half")
                raise answer
            path.write_bytes(answer)
            received(len(answer))
        return path


@pytest.fixture(autouse=True)
def repository(monkeypatch: pytest.MonkeyPatch) -> type[FakeRepository]:
    monkeypatch.setattr(jgo.maven, "PythonResolver", FakeRepository)
    FakeRepository.answers = {
        "broker-1.jar": [JAR],
        "registry-1-all.tar.gz": [ARCHIVE],
        "zipkin-1-exec.jar": [ZIPKIN],
    }
    FakeRepository.asked = []
    return FakeRepository


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def programs(tmp_path: Path, said: list[str]) -> Programs:
    return Programs(tmp_path / "jars", said.append, _lock())


def _whole(programs: Programs) -> set[str]:
    return {programs.kafka[0].name, programs.registry.name, programs.zipkin.name}


def _left(programs: Programs) -> set[str]:
    return {path.name for path in programs.kafka[0].parent.iterdir()} - {".lock"}


def test_a_jar_is_kept_as_it_is_and_an_archive_unpacked(programs: Programs) -> None:
    programs.fetch()
    assert programs.kafka[0].read_bytes() == JAR
    assert (programs.registry / "quarkus-run.jar").read_bytes() == b"run"
    assert programs.zipkin.read_bytes() == ZIPKIN
    assert _left(programs) == _whole(programs)
    assert programs.absent() == []


def test_what_is_there_is_not_fetched_again(
    programs: Programs, repository: type[FakeRepository]
) -> None:
    programs.fetch()
    programs.fetch()
    assert sorted(repository.asked) == [
        "broker-1.jar",
        "registry-1-all.tar.gz",
        "zipkin-1-exec.jar",
    ]


def test_what_an_older_version_did_not_need_is_fetched_alone_and_named(
    programs: Programs, said: list[str], repository: type[FakeRepository]
) -> None:
    Programs(programs.kafka[0].parent, said.append, _lock()[:2]).fetch()
    repository.asked.clear()
    said.clear()
    programs.fetch()
    assert repository.asked == ["zipkin-1-exec.jar"]
    assert said[0].startswith("Fetching Zipkin (")


def test_a_damaged_file_is_deleted_and_fetched_again_and_that_is_said(
    programs: Programs, said: list[str]
) -> None:
    programs.fetch()
    programs.kafka[0].write_bytes(b"a jar's bytez")
    programs.fetch()
    assert programs.kafka[0].read_bytes() == JAR
    assert any(str(programs.kafka[0]) in line and "deleted" in line for line in said)


def test_other_bytes_than_the_locked_are_not_kept_and_a_second_run_repairs(
    programs: Programs, repository: type[FakeRepository]
) -> None:
    repository.answers["broker-1.jar"] = [b"altered on it", JAR]
    with pytest.raises(HeadraceError, match=r"broker-1\.jar arrived with another SHA-256"):
        programs.fetch()
    assert not programs.kafka[0].exists()
    programs.fetch()
    assert programs.kafka[0].read_bytes() == JAR


def test_a_connection_that_breaks_half_way_is_tried_again(
    programs: Programs, repository: type[FakeRepository]
) -> None:
    repository.answers["broker-1.jar"] = [ConnectionError("reset"), JAR]
    programs.fetch()
    assert programs.kafka[0].read_bytes() == JAR


@pytest.mark.parametrize("error", [ConnectionError("no network"), RuntimeError("not found")])
def test_what_cannot_be_fetched_is_an_error_and_leaves_nothing_half(
    error: Exception, programs: Programs, repository: type[FakeRepository]
) -> None:
    repository.answers["broker-1.jar"] = [error]
    with pytest.raises(HeadraceError, match=rf"broker-1\.jar could not be fetched: {error}"):
        programs.fetch()
    assert _left(programs) <= _whole(programs) - {programs.kafka[0].name}


def test_what_a_killed_download_left_is_removed(programs: Programs) -> None:
    left = programs.kafka[0].parent / ".unfinished" / "org" / "example" / "broker" / "1"
    left.mkdir(parents=True)
    (left / "broker-1.jar").write_bytes(b"half")
    programs.fetch()
    assert programs.kafka[0].read_bytes() == JAR
    assert _left(programs) == _whole(programs)


def test_an_interrupted_download_keeps_nothing_half(
    programs: Programs, repository: type[FakeRepository]
) -> None:
    interrupted = KeyboardInterrupt()
    original = repository.download

    def interrupting(self: FakeRepository, artifact: jgo.maven.Artifact) -> Path:
        if artifact.filename == "broker-1.jar":
            raise interrupted
        return original(self, artifact)

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(repository, "download", interrupting)
        programs.fetch()
    assert _left(programs) <= _whole(programs) - {programs.kafka[0].name}


def test_progress_is_plain_lines_where_stderr_is_no_terminal(
    programs: Programs, said: list[str]
) -> None:
    programs.fetch()
    assert said[0].startswith("Fetching Kafka, Apicurio Registry, Zipkin (")
    assert said[-1].endswith(f"of {(len(JAR) + len(ARCHIVE) + len(ZIPKIN)) // 1_000_000} MB")
