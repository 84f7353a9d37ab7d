"""The schedule: what is due is learned anew, whatever fails is tried again, and nothing ends it."""

import itertools
import logging

import pytest
from confluent_kafka import KafkaError, KafkaException

from headrace.chassis import heart, service
from headrace.chassis.heart import Heart
from headrace.chassis.pauses import Pauses
from headrace.chassis.service import Around
from headrace.chassis.settings import KafkaSettings, StreamSettings, UseCaseSettings
from headrace.contracts.codec import Decoder
from headrace.contracts.registry import RegistrySettings, RegistryUnavailable
from headrace.contracts.schemas import load_schema
from headrace.errors import HeadraceError
from headrace.learning import scheduled
from headrace.learning.retrainer import GivenUp, Retrained
from headrace.learning.scheduled import Scheduled
from headrace.learning.versions import History, Signals
from headrace.models.keys import generate_key
from headrace.models.manifest import LearnedLineage, Manifest
from support.counting import json_channel
from support.fake_kafka import FakeClients, FakeKafka, refuse
from support.traces import UNTRACED
from support.use_case import SHIPPED

BEATS = json_channel("demand.heartbeats")
BEAT_EVERY_S = 10.0
HOUR = 3_600_000
PERIOD = 24 * HOUR
COOL_DOWN = 6 * HOUR
NOTHING_NEW = Retrained(None, [], {}, "nothing has become known since the last time")


def model(name, version, published_at_ms, *, anew):
    lineage = LearnedLineage(
        charter="ab" * 32, numpy="2", outcomes=60, until_offset=60, is_retrained=anew, river="0"
    )
    manifest = Manifest(
        format=1,
        family="logistic",
        name=name,
        version=version,
        feature_set="ab" * 32,
        features=("x",),
        arrays={},
        lineage=lineage,
        created_at_ms=0,
    )
    return {
        "name": name,
        "version": version,
        "digest": f"{name} {version}".encode(),
        "manifest": manifest.to_bytes(),
        "signature": b"",
        "published_at_ms": published_at_ms,
    }


class Topics:
    """Stands for the followed topics; the paused ones' table too."""

    def __init__(self, takes_time=lambda: None):
        self.records = {}
        self.opened = self.closed = 0
        self.fails = []
        self._takes_time = takes_time

    def open(self, timeout_s):
        self.opened += 1
        self._takes_time()
        if self.fails:
            raise self.fails.pop()

    def refresh(self):
        pass

    def close(self):
        self.closed += 1


class World:
    """A schedule with clocks of its own, and a retrainer that does what a test says."""

    def __init__(self, monkeypatch, period_ms=PERIOD, tables=1, opens_in_s=0.0):
        self.now_s = 0.0
        self.asked = []
        self.answers = []
        self.topics, *others = (Topics(lambda: self.passes(opens_in_s)) for _ in range(tables))
        self.kafka = FakeKafka()
        self.kafka.create_topic(BEATS.topic)
        self.history, self.signals = History(["a", "b"]), Signals()
        for module in (scheduled, heart):
            monkeypatch.setattr(module, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(scheduled.time, "sleep", self.passes)
        self.service = Scheduled(
            self.retrain,
            self.history,
            self.signals,
            Pauses(self.topics, "retraining"),
            [self.topics, *others],
            Heart(
                FakeClients(self.kafka, "retraining"),
                BEATS,
                "retraining",
                "one",
                BEAT_EVERY_S,
                self.now_ms,
            ),
            period_ms,
            COOL_DOWN,
            self.now_ms,
        )

    def now_ms(self):
        return int(self.now_s * 1_000)

    def passes(self, seconds):
        self.now_s += seconds

    def retrain(self, names, reason, watch):
        self.asked.append((self.now_s, set(names), reason))
        answer = self.answers.pop(0) if self.answers else self.all_published(names)
        if isinstance(answer, Exception):
            raise answer
        return answer(watch) if callable(answer) else answer

    def all_published(self, names, refused=()):
        at_ms = int(self.now_s * 1_000)
        fine = [model(each, f"{at_ms}", at_ms, anew=True) for each in sorted(names)]
        return Retrained(
            None,
            [each for each in fine if each["name"] not in refused],
            dict.fromkeys(refused, "it is not finite"),
            "",
        )

    def first_versions(self, at_ms=0):
        for name in ("a", "b"):
            self.history.take(name, model(name, "60", at_ms, anew=False))

    def drifts(self, kind="concept", state="raised"):
        at_ms = int(self.now_s * 1_000)
        record = {"signal_id": f"{kind}/negatives@{at_ms}", "kind": kind, "state": state}
        self.signals.take(f"{kind}/negatives", record, at_ms)

    def runs(self, hours):
        """Let it step for some hours, a second each."""
        until = self.now_s + hours * 3_600
        while self.now_s < until:
            self.service.step()
            self.passes(1.0)

    def metric(self, name):
        for line in self.service.metrics.exposition().decode().splitlines():
            if line.startswith(f"headrace_{name} "):
                return float(line.split()[1])
        return None

    def beats(self):
        return [BEATS.decode(each.value()) for each in self.kafka.records(BEATS.topic)]

    def longest_silence_s(self):
        """From the start until now."""
        times = [0, *(each["sent_at_ms"] for each in self.beats()), self.now_ms()]
        return max(b - a for a, b in itertools.pairwise(times)) / 1_000

    def at(self):
        return [round(at_s) for at_s, _, _ in self.asked]


@pytest.fixture
def world(monkeypatch):
    return World(monkeypatch)


def test_nothing_is_learned_until_something_was_published_and_its_time_has_come(world):
    world.runs(1)
    assert world.metric("retraining_due_timestamp_seconds") == 0
    world.first_versions(at_ms=HOUR)
    world.runs(23.9)
    assert world.asked == []
    assert world.metric("retraining_due_timestamp_seconds") == 25 * 3_600
    world.runs(0.2)
    assert world.asked == [(25 * 3_600, {"a", "b"}, "it is learned anew every 1d")]
    world.runs(24)
    assert world.at() == [25 * 3_600, 49 * 3_600]
    assert world.metric('retrainings_total{outcome="published"}') == 2
    assert world.metric("models_published_total") == 4


def test_a_restart_forgets_nothing(world, monkeypatch):
    world.first_versions()
    world.runs(25)
    restarted = World(monkeypatch)
    restarted.now_s = world.now_s
    for each in world.history.versions:
        record = model(each.name, "1", each.published_at_ms, anew=each.is_retrained)
        restarted.history.take(f"{each}", record)
    restarted.runs(22.9)
    assert restarted.asked == []
    restarted.runs(0.2)
    assert restarted.at() == [48 * 3_600]


def test_what_is_due_while_nothing_is_known_is_looked_at_again_before_long(world, caplog):
    world.first_versions(at_ms=-PERIOD)
    world.answers = [NOTHING_NEW] * 5
    with caplog.at_level(logging.INFO):
        world.runs(0.1)
    assert world.at() == [0, 5, 10, 15, 20, 25]
    assert caplog.text.count("nothing has become known") == 1
    assert world.service.health.ready()["ok"]


@pytest.mark.parametrize(
    "error",
    [
        HeadraceError("No broker has answered.", fix="Bring it back."),
        RegistryUnavailable("The registry is away.", fix="Bring it back."),
        KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN)),
        OSError("the disk"),
    ],
)
def test_a_failure_is_told_counted_and_tried_again_later_each_time(world, caplog, error):
    world.first_versions(at_ms=-PERIOD)
    world.answers = [error] * 4
    world.service.step()
    assert str(error) in str(world.service.health.ready()["why_not"])
    assert str(error) in caplog.text
    assert "tried again in 5 s" in caplog.text
    world.runs(1)
    assert world.at() == [0, 5, 15, 35, 75]
    assert world.metric('retrainings_total{outcome="failed"}') == 4
    assert world.service.health.ready()["ok"]


def test_however_often_it_has_failed_it_is_tried_again_within_an_hour(world):
    world.first_versions(at_ms=-PERIOD)
    world.answers = [HeadraceError("No broker has answered.")] * 60
    world.runs(60)
    times = world.at()
    assert max(b - a for a, b in itertools.pairwise(times)) <= 3_601


def test_a_model_that_is_refused_is_tried_again_alone(world, caplog):
    world.first_versions(at_ms=-PERIOD)
    world.answers = [world.all_published({"a", "b"}, refused=["b"])]
    world.runs(0.1)
    assert [(at_s, names) for at_s, names, _ in world.asked] == [(0, {"a", "b"}), (5, {"b"})]
    assert "the model b is not published: it is not finite" in caplog.text
    assert world.metric("models_refused_total") == 1


def test_a_broker_that_is_away_at_the_start_is_waited_for(world):
    world.first_versions(at_ms=-PERIOD)
    world.topics.fails = [HeadraceError("away"), HeadraceError("away")]
    world.runs(0.1)
    assert world.at() == [15]
    assert world.topics.opened == 3
    assert world.service.health.ready()["ok"]


def test_while_it_is_paused_nothing_is_learned(world):
    world.first_versions(at_ms=-PERIOD)
    world.topics.records["retraining"] = {"paused": True, "reason": "an audit"}
    world.runs(1)
    assert world.asked == []
    assert world.service.health.ready()["why_not"] == (
        "paused (an audit); release it by: headrace release retraining"
    )
    assert world.metric("paused") == 1
    world.topics.records["retraining"] = {"paused": False, "reason": "it is over"}
    world.runs(0.1)
    assert len(world.asked) == 1
    assert world.service.health.ready()["ok"]


def learning_until(happens):
    """A retrainer that asks before each outcome whether to go on."""

    def work(watch):
        for offset in range(100):
            if offset == 50:
                happens()
            if not watch("learning", offset, 100):
                raise GivenUp
        raise AssertionError("it went on")

    return work


def test_a_pause_gives_up_what_is_being_learned_and_a_release_has_it_learned_again(world):
    world.first_versions(at_ms=-PERIOD)

    def pause():
        world.topics.records["retraining"] = {"paused": True, "reason": "an audit"}

    world.answers = [learning_until(pause)]
    world.runs(0.1)
    assert len(world.asked) == 1
    world.topics.records.clear()
    world.runs(0.1)
    assert len(world.asked) == 2


def test_a_stop_gives_up_what_is_being_learned_and_is_no_failure(world, caplog):
    world.first_versions(at_ms=-PERIOD)
    world.answers = [learning_until(world.service.stop)]
    with caplog.at_level(logging.INFO):
        world.service.run()
    assert len(world.asked) == 1
    assert "nothing of it is published" in caplog.text
    assert world.metric('retrainings_total{outcome="failed"}') is None
    assert world.topics.closed == 1
    assert world.service.health.ready()["why_not"] == "stopped"


def test_while_it_learns_for_long_it_lives(world, caplog):
    world.first_versions(at_ms=-PERIOD)

    def long(watch):
        for offset in range(30_001):
            assert watch("learning", offset, 30_001)
            world.passes(0.01)
        return world.all_published({"a", "b"})

    world.answers = [long]
    with caplog.at_level(logging.INFO):
        world.service.step()
    assert "learning: offset 20000 of 30001" in caplog.text
    assert world.metric("retraining_seconds") == pytest.approx(300, abs=1)


def test_a_drift_of_the_concept_has_all_models_learned_anew_at_once_and_once(world):
    world.first_versions()
    world.runs(1)
    world.drifts()
    world.runs(8)
    assert world.asked == [(3_600, {"a", "b"}, "a drift was noticed: concept/negatives@3600000")]


def test_soon_after_models_were_learned_anew_a_drift_waits_until_they_have_cooled_down(world):
    world.first_versions()
    world.runs(1)
    world.drifts("calibration")
    world.runs(1)
    world.drifts()
    world.runs(4.9)
    assert world.at() == [3_600]
    world.runs(1)
    assert world.at() == [3_600, 7 * 3_600]


@pytest.mark.parametrize(
    "other", [{"kind": "input"}, {"kind": "label"}, {"state": "cleared"}], ids=str
)
def test_other_drifts_and_their_ends_have_nothing_learned_anew(world, other):
    world.first_versions()
    world.runs(1)
    world.drifts(**other)
    world.runs(10)
    assert world.asked == []


def test_without_a_period_a_drift_alone_has_models_learned_anew(monkeypatch):
    world = World(monkeypatch, period_ms=None)
    world.first_versions()
    world.runs(100)
    assert world.asked == []
    assert world.metric("retraining_due_timestamp_seconds") == 0
    world.drifts()
    world.runs(1)
    assert world.at() == [360_000]


def test_a_drift_that_finds_nothing_new_or_fails_is_not_forgotten(world):
    world.first_versions()
    world.runs(1)
    world.drifts()
    world.answers = [NOTHING_NEW, HeadraceError("No broker has answered.")]
    world.runs(1)
    assert world.at() == [3_600, 3_605, 3_610]


def test_while_nothing_is_due_it_sends_signs_of_life(world):
    world.runs(1)
    assert world.longest_silence_s() <= BEAT_EVERY_S
    latest = world.beats()[-1]
    assert (latest["service"], latest["instance"]) == ("retraining", "one")
    assert (latest["state"], latest["started_at_ms"]) == ("running", 0)


def test_while_it_is_paused_it_sends_signs_of_life(world):
    world.topics.records["retraining"] = {"paused": True, "reason": "an audit"}
    world.runs(1)
    assert world.longest_silence_s() <= BEAT_EVERY_S


@pytest.mark.parametrize("where", ["opening", "learning"])
def test_while_what_has_failed_waits_to_be_tried_again_it_sends_signs_of_life(world, where):
    world.first_versions(at_ms=-PERIOD)
    failures = [HeadraceError("away") for _ in range(8)]
    if where == "opening":
        world.topics.fails = failures
    else:
        world.answers = failures
    world.runs(1)
    assert world.metric('retrainings_total{outcome="failed"}') == 8
    assert world.longest_silence_s() <= BEAT_EVERY_S


def test_many_topics_that_open_slowly_are_no_silence(monkeypatch):
    world = World(monkeypatch, tables=6, opens_in_s=BEAT_EVERY_S)
    world.service.step()
    assert world.now_s == 6 * BEAT_EVERY_S
    assert world.longest_silence_s() <= BEAT_EVERY_S


def test_a_long_learning_is_no_silence(world):
    world.first_versions(at_ms=-PERIOD)

    def long(watch):
        for offset in range(3_600):
            assert watch("learning", offset, 3_600)
            world.passes(1.0)
        return world.all_published({"a", "b"})

    world.answers = [long]
    world.service.step()
    assert world.now_s == 3_600
    assert world.longest_silence_s() <= BEAT_EVERY_S


def test_who_is_told_to_stop_says_goodbye_as_the_last_thing_also_while_it_learns(world):
    world.first_versions(at_ms=-PERIOD)
    world.answers = [learning_until(world.service.stop)]
    world.service.run()
    assert [each["state"] for each in world.beats()] == ["running", "left"]


def test_who_ends_without_being_told_to_says_no_goodbye_and_is_missed(world):
    world.first_versions(at_ms=-PERIOD)
    world.answers = [MemoryError()]
    with pytest.raises(MemoryError):
        world.service.run()
    assert [each["state"] for each in world.beats()] == ["running"]


def test_a_sign_of_life_that_the_broker_refuses_keeps_nobody_from_learning(world):
    world.first_versions(at_ms=-PERIOD)
    away = KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    world.kafka.faults.plan("produce", refuse(away))
    world.runs(0.01)
    assert len(world.asked) == 1
    assert world.service.health.ready()["ok"]
    assert {each["state"] for each in world.beats()} == {"running"}


class OfflineRegistry:
    """A registry that knows every schema by the same id: enough for who only writes."""

    def __init__(self, settings):
        pass

    def schema_id(self, subject, schema):
        return 1

    def writer(self, schema_id):
        raise AssertionError("nothing is read")


def test_the_service_that_is_run_sends_signs_of_life_as_its_instance(monkeypatch, tmp_path):
    kafka = FakeKafka()
    for plural in ("heartbeats", "models", "pauses", "signals"):
        kafka.create_topic(f"card-fraud.{plural}")
    monkeypatch.setattr(service, "Clients", lambda settings, name: FakeClients(kafka, name))
    monkeypatch.setattr(service, "Registry", OfflineRegistry)
    settings = UseCaseSettings(charter=SHIPPED, keys=tmp_path)
    generate_key(settings.signing_key, tmp_path / "trusted")
    stream = StreamSettings(instance="blue", heartbeat_every_s=3_600)
    around = Around(KafkaSettings(), RegistrySettings(), stream, UNTRACED)

    running = scheduled.build(settings, around)
    running.step()
    running.step()
    assert running.health.ready()["ok"]
    (record,) = kafka.records("card-fraud.heartbeats")  # one, as the next is due in an hour
    schema = load_schema("platform/HeartbeatSent")
    said = Decoder(schema, lambda _: schema, 1_000)(record.value())
    assert record.key() == b"retraining/blue"
    assert (said["service"], said["instance"], said["state"]) == ("retraining", "blue", "running")
