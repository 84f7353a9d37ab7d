"""The local stack as a person meets it: real processes in a folder of their own."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from confluent_kafka.admin import NewTopic

from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings
from headrace.local.kafka import KafkaBroker
from headrace.local.programs import Programs
from headrace.local.settings import LocalSettings
from headrace.local.stack import LocalStack
from support.forwarder import Forwarder

pytestmark = pytest.mark.integration

SCHEMA = json.dumps({"type": "record", "name": "Kept", "fields": []})
PATIENCE_S = 180.0


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [held_socket.getsockname()[1] for held_socket in sockets]


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def _open_to(pid: int) -> set[str]:
    """The addresses, in the kernel's spelling, at which others reach the process, TCP or UDP."""
    held = {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}
    found = set()
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path("/proc/net", protocol).read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            listens = protocol.startswith("udp") or state == "0A"
            if listens and f"socket:[{inode}]" in held:
                found.add(local.split(":")[0])
    return found


def _span(trace_id: str) -> dict[str, Any]:
    return {
        "traceId": trace_id,
        "id": trace_id[-16:],
        "name": "process card-fraud.events",
        "kind": "CONSUMER",
        "timestamp": time.time_ns() // 1_000,
        "duration": 1_207,
        "localEndpoint": {"serviceName": "scoring"},
        "tags": {"headrace.action": "decline"},
    }


class Home:
    """One folder with its ports, and `headrace` run in it."""

    def __init__(self, folder: Path, jars: Path) -> None:
        self.folder = folder
        self.kafka_port, self.controller_port, self.registry_port, self.zipkin_port = _free_ports(4)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("KAFKA_", "SCHEMA_"))},
            "HEADRACE_HOME": str(folder),
            "HEADRACE_JARS": str(jars),
            "HEADRACE_KAFKA_PORT": str(self.kafka_port),
            "HEADRACE_CONTROLLER_PORT": str(self.controller_port),
            "HEADRACE_REGISTRY_PORT": str(self.registry_port),
            "HEADRACE_ZIPKIN_PORT": str(self.zipkin_port),
        }

    @property
    def registry_url(self) -> str:
        return f"http://127.0.0.1:{self.registry_port}/apis/ccompat/v7"

    @property
    def traces_url(self) -> str:
        return f"http://127.0.0.1:{self.zipkin_port}"

    def stack(self) -> LocalStack:
        return LocalStack(
            LocalSettings(
                home=self.folder,
                kafka_port=self.kafka_port,
                controller_port=self.controller_port,
                registry_port=self.registry_port,
                zipkin_port=self.zipkin_port,
            )
        )

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", "from headrace.cli import main; main()", *arguments],
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=PATIENCE_S * 2)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def up(self) -> str:
        done = self.run("up")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self) -> dict[str, dict[str, Any]]:
        parts = json.loads(self.run("status", "--json").stdout)
        return {part["name"]: part for part in parts}

    def pid(self, name: str) -> int:
        pid: int = self.status()[name]["pid"]
        return pid

    def processes(self) -> list[str]:
        """Every process whose command line names this folder, but for those of `headrace`."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it ended in between
                continue
            if str(self.folder) in command:
                found.append(command)
        return found


@pytest.fixture(scope="module")
def jars() -> Path:
    """The programs, fetched once for all tests of this checkout."""
    folder = LocalSettings().jars
    Programs(folder).fetch()
    return folder


@pytest.fixture
def new_home(jars: Path, tmp_path: Path) -> Iterator[Home]:
    """A folder in which nothing was ever started."""
    home = Home(tmp_path / "home", jars)
    yield home
    home.run("down", "--delete")


@pytest.fixture(scope="module")
def home(jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A folder that several tests start and break; its name is an awkward one for Java."""
    home = Home(tmp_path_factory.mktemp("a stack") / "hömé", jars)
    yield home
    home.run("down", "--delete")


def test_up_when_up_says_so_and_changes_nothing(home: Home) -> None:
    assert "The local stack is up." in home.up()
    before = home.status()
    assert "The local stack was up already." in home.up()
    assert home.status() == before


def test_status_names_each_part_and_its_log_and_exits_0_only_when_all_is_ready(home: Home) -> None:
    home.up()
    assert home.run("status").returncode == 0
    parts = home.status()
    assert {name: part["address"] for name, part in parts.items()} == {
        "Kafka": f"127.0.0.1:{home.kafka_port}",
        "Apicurio Registry": home.registry_url,
        "Zipkin": home.traces_url,
    }
    assert {part["state"] for part in parts.values()} == {"ready"}
    assert "Kafka Server started" in Path(parts["Kafka"]["log"]).read_text()
    os.kill(parts["Apicurio Registry"]["pid"], signal.SIGKILL)
    _await(lambda: home.run("status").returncode == 1)
    assert home.status()["Apicurio Registry"]["state"] == "stopped"


@pytest.mark.skipif(not Path("/proc/net/udp").exists(), reason="Linux alone tells")
def test_nothing_can_be_reached_from_another_machine(home: Home) -> None:
    home.up()
    open_to = {name: _open_to(part["pid"]) for name, part in home.status().items()}
    loopback = {"0100007F", "0000000000000000FFFF00000100007F"}
    assert all(addresses and addresses <= loopback for addresses in open_to.values()), open_to


def test_a_trace_is_found_by_its_id_and_by_its_tags_and_has_a_page(home: Home) -> None:
    home.up()
    trace_id = "463ac35c9f6413ad48485a3953bb6124"
    span = _span(trace_id)
    assert (
        httpx.post(f"{home.traces_url}/api/v2/spans", json=[span], timeout=PATIENCE_S).status_code
        == 202
    )
    by_id = f"{home.traces_url}/api/v2/trace/{trace_id}"
    _await(lambda: httpx.get(by_id, timeout=PATIENCE_S).status_code == 200)
    assert httpx.get(by_id, timeout=PATIENCE_S).json() == [span]
    wanted = {"serviceName": "scoring", "annotationQuery": "headrace.action=decline"}
    assert httpx.get(
        f"{home.traces_url}/api/v2/traces", params=wanted, timeout=PATIENCE_S
    ).json() == [[span]]
    page = httpx.get(f"{home.traces_url}/zipkin/traces/{trace_id}", timeout=PATIENCE_S)
    assert page.headers["content-type"].startswith("text/html")


def test_more_spans_than_are_kept_push_out_the_oldest(home: Home) -> None:
    home.up()
    trace_ids = [f"{number:032x}" for number in range(1, 35_001)]
    with httpx.Client(base_url=home.traces_url, timeout=PATIENCE_S) as client:
        for start in range(0, len(trace_ids), 5_000):
            spans = [_span(trace_id) for trace_id in trace_ids[start : start + 5_000]]
            assert client.post("/api/v2/spans", json=spans).status_code == 202
        _await(lambda: client.get(f"/api/v2/trace/{trace_ids[-1]}").status_code == 200)
        assert client.get(f"/api/v2/trace/{trace_ids[0]}").status_code == 404
    assert home.run("status").returncode == 0


def test_a_page_of_another_site_cannot_read_the_traces(home: Home) -> None:
    home.up()
    asked = f"{home.traces_url}/api/v2/services"
    answer = httpx.get(asked, headers={"Origin": "http://elsewhere.example"}, timeout=PATIENCE_S)
    assert "access-control-allow-origin" not in answer.headers


def test_a_part_that_does_not_run_is_started_beside_the_others(home: Home) -> None:
    home.up()
    before = home.status()
    os.kill(before["Zipkin"]["pid"], signal.SIGKILL)
    _await(lambda: not home.stack().is_ready())
    assert home.stack().is_running()
    assert "The local stack is up." in home.up()
    after = home.status()
    assert {part["state"] for part in after.values()} == {"ready"}
    assert after["Zipkin"]["pid"] != before["Zipkin"]["pid"]
    assert [after[name] for name in ("Kafka", "Apicurio Registry")] == [
        before[name] for name in ("Kafka", "Apicurio Registry")
    ]


def test_what_a_killed_broker_and_registry_had_acknowledged_is_there_after_the_next_up(
    home: Home,
) -> None:
    home.up()
    admin = Clients(KafkaSettings(bootstrap_servers=f"127.0.0.1:{home.kafka_port}")).admin()
    for created in admin.create_topics([NewTopic("kept", 2)]).values():
        created.result(timeout=PATIENCE_S)
    os.kill(home.pid("Kafka"), signal.SIGKILL)
    pid = home.pid("Apicurio Registry")
    subject = f"{home.registry_url}/subjects/kept-value/versions"
    answer = httpx.post(subject, json={"schema": SCHEMA}, timeout=PATIENCE_S)
    os.kill(pid, signal.SIGKILL)
    assert answer.status_code == 200

    home.up()

    kept = httpx.get(f"{home.registry_url}/schemas/ids/{answer.json()['id']}", timeout=PATIENCE_S)
    assert json.loads(kept.json()["schema"]) == json.loads(SCHEMA)
    assert len(admin.list_topics(timeout=PATIENCE_S).topics["kept"].partitions) == 2


def test_topics_and_schemas_survive_down_and_up_and_no_process_is_left_between(home: Home) -> None:
    home.up()
    httpx.post(
        f"{home.registry_url}/subjects/k-value/versions",
        json={"schema": SCHEMA},
        timeout=PATIENCE_S,
    )

    down = home.run("down")
    assert "Kafka stopped." in down.stderr
    assert home.processes() == []
    assert home.run("status").returncode == 1
    again = home.run("down")
    assert (again.returncode, again.stdout) == (0, "The local stack was not running.\n")

    home.up()
    assert "k-value" in httpx.get(f"{home.registry_url}/subjects", timeout=PATIENCE_S).json()


def test_other_ports_than_the_running_ones_are_an_error_that_names_both(home: Home) -> None:
    home.up()
    done = home.run("up", HEADRACE_KAFKA_PORT="19999")
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert f"runs on port {home.kafka_port}" in said
    assert "HEADRACE_KAFKA_PORT says 19999" in said
    assert home.run("status", HEADRACE_KAFKA_PORT="19999").returncode == 1


def test_two_commands_at_once_start_one_stack(home: Home) -> None:
    home.run("down")
    both = [home.start("up"), home.start("up")]
    said = [process.communicate(timeout=PATIENCE_S * 2) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(out.splitlines()[0] for out, _ in said) == [
        "The local stack is up.",
        "The local stack was up already.",
    ]
    assert len([command for command in home.processes() if "kafka.Kafka" in command]) == 1


def test_down_delete_forgets_topics_and_schemas(home: Home) -> None:
    home.up()
    httpx.post(
        f"{home.registry_url}/subjects/gone-value/versions",
        json={"schema": SCHEMA},
        timeout=PATIENCE_S,
    )
    home.run("down", "--delete")
    home.up()
    assert httpx.get(f"{home.registry_url}/subjects", timeout=PATIENCE_S).json() == []


def test_a_cluster_of_ones_own_is_asked_and_no_local_stack_is_started(
    home: Home, jars: Path, tmp_path: Path
) -> None:
    home.up()
    elsewhere = Home(tmp_path / "unused", jars)
    own = {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{home.kafka_port}",
        "SCHEMA_REGISTRY_URL": home.registry_url,
    }
    assert "Your cluster answers." in elsewhere.run("up", **own).stdout
    assert elsewhere.run("status", **own).returncode == 0
    assert not elsewhere.folder.exists()
    nobody = {**own, "SCHEMA_REGISTRY_URL": f"http://127.0.0.1:{elsewhere.registry_port}"}
    assert elsewhere.run("up", **nobody).returncode == 1
    assert elsewhere.run("status", **nobody).returncode == 1


def test_doctor_finds_nothing_on_a_running_stack_and_names_the_fix_without_one(
    home: Home, new_home: Home
) -> None:
    home.up()
    well = home.run("doctor", "--json")
    found = {check["name"]: check for check in json.loads(well.stdout)}
    assert all(check["fine"] for check in found.values())
    assert "version" in found["java"]["found"], "though the environment has options for it"
    assert well.returncode == 0
    ill = new_home.run("doctor", "--json")
    fixes = {check["name"]: check["fix"] for check in json.loads(ill.stdout)}
    assert fixes["Kafka"] == "Run `headrace up`."
    assert ill.returncode == 1


@pytest.mark.parametrize(
    "setting", ["KAFKA_PORT", "CONTROLLER_PORT", "REGISTRY_PORT", "ZIPKIN_PORT"]
)
def test_a_taken_port_is_an_error_that_names_it_and_its_setting(
    setting: str, new_home: Home
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = new_home.run("up", **{f"HEADRACE_{setting}": port})
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert f"Port {port}" in said
    assert f"HEADRACE_{setting}" in said
    assert new_home.processes() == []


def test_a_part_that_cannot_start_is_an_error_with_its_log_and_the_others_are_stopped(
    new_home: Home,
) -> None:
    data = new_home.folder / "kafka" / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").write_text("version=1\ncluster.id=x\nnode.id=99\n")
    done = new_home.run("up")
    assert done.returncode == 1
    assert "Kafka ended before it was ready" in " ".join(done.stderr.split())
    assert "99" in done.stderr
    assert new_home.processes() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_up_stops_what_it_started(number: signal.Signals, new_home: Home) -> None:
    up = new_home.start("up")
    _await(lambda: any("kafka.Kafka" in command for command in new_home.processes()))
    up.send_signal(number)
    up.communicate(timeout=PATIENCE_S)
    assert up.returncode == 130
    assert new_home.processes() == []


@pytest.mark.parametrize("seed", range(2))
def test_an_up_that_is_killed_at_any_moment_is_finished_by_the_next(
    seed: int, new_home: Home
) -> None:
    moment_s = random.Random(seed).uniform(0.3, 3.0)
    print(f"seed {seed}: killed after {moment_s:.3f} s")
    up = new_home.start("up")
    try:
        up.wait(moment_s)
    except subprocess.TimeoutExpired:
        up.kill()
    up.communicate(timeout=PATIENCE_S)
    new_home.up()
    assert {part["state"] for part in new_home.status().values()} == {"ready"}
    new_home.run("down")
    assert new_home.processes() == []


def _broker(
    jars: Path, folder: Path, ports: list[int], proxied: tuple[int, int] | None = None
) -> KafkaBroker:
    """A broker of the test's own."""
    port, controller_port = ports
    return KafkaBroker(
        folder / "kafka",
        folder / "kafka.log",
        Programs(jars).kafka,
        port=port,
        controller_port=controller_port,
        proxied=proxied,
    )


def test_a_cluster_whose_id_begins_with_a_hyphen_starts(
    jars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uuid.uuid4", lambda: UUID(bytes=b"\xfb" * 16))  # one in 64 is such
    broker = _broker(jars, tmp_path, _free_ports(2))
    try:
        broker.start()
        broker.wait_ready()
    finally:
        broker.process.kill()
    properties = (tmp_path / "kafka/data/meta.properties").read_text()
    assert "cluster.id=-" in properties


def test_a_broker_can_advertise_a_proxys_port_and_restarts_on_its_data(
    jars: Path, tmp_path: Path
) -> None:
    *ports, listens = _free_ports(3)
    proxy = Forwarder(listens)  # it has to answer: a client goes there as soon as it hears of it
    broker = _broker(jars, tmp_path, ports, (listens, proxy.port))
    try:
        broker.start()
        broker.wait_ready()
        with proxy:
            behind = Clients(KafkaSettings(bootstrap_servers=f"127.0.0.1:{listens}")).admin()
            brokers = behind.list_topics(timeout=PATIENCE_S).brokers
        assert {each.port for each in brokers.values()} == {proxy.port}
        admin = Clients(KafkaSettings(bootstrap_servers=broker.address)).admin()
        admin.create_topics([NewTopic("kept", 1)])["kept"].result(timeout=PATIENCE_S)
        broker.process.kill()
        broker.start()
        broker.wait_ready()
        assert "kept" in admin.list_topics(timeout=PATIENCE_S).topics
    finally:
        broker.process.kill()
