"""Following what is to serve: swapped between batches, and what is refused changes nothing."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from headrace.chassis.beside import make
from headrace.chassis.metrics import Metrics
from headrace.errors import HeadraceError
from headrace.models.trust import untrusted
from headrace.scoring import served as served_module
from headrace.scoring.served import ServedModel

FIRST = SimpleNamespace(name="first", version="0", digest=b"0" * 32)
MODELS = {
    letter: SimpleNamespace(name=letter, version="1", digest=letter.encode() * 32)
    for letter in "abc"
}


class Servings:
    """The topic's table; what is written is there after the next refresh."""

    def __init__(self) -> None:
        self.records = {}
        self.coming = []
        self.is_open = False

    def open(self, timeout_s) -> None:
        self.is_open = True
        self.refresh()

    def refresh(self) -> None:
        for record in self.coming:
            self.records["champion"] = record
        self.coming.clear()

    def close(self) -> None:
        self.is_open = False

    def point(self, letter, reason="better") -> None:
        model = MODELS[letter]
        self.coming.append(
            {
                "role": "champion",
                "digest": model.digest,
                "name": model.name,
                "version": model.version,
                "by": "zoe",
                "reason": reason,
                "changed_at_ms": 1,
            }
        )


class Later:
    """Makes a call when the test says so."""

    def __init__(self) -> None:
        self.calls = []
        self.at_once = False

    def begin(self, call):
        answer = Future()
        if self.at_once:
            make(call, answer)
        else:
            self.calls.append((call, answer))
        return answer

    def work(self) -> None:
        calls, self.calls = self.calls, []
        for call, answer in calls:
            make(call, answer)


class World:
    def __init__(self, first=FIRST) -> None:
        self.servings = Servings()
        self.beside = Later()
        self.metrics = Metrics("scoring")
        self.broken: dict[str, Exception] = {}
        self.audits = []
        self.audit_fails = False
        self.looked_at = []
        self.now_s = 0.0
        self.served = ServedModel(
            self.servings,
            first,
            self.to_serve,
            self.audit,
            self.beside,
            self.metrics,
            "scoring-0",
            lambda: 42,
        )

    def to_serve(self, serving):
        self.looked_at.append(serving["name"])
        if serving["name"] in self.broken:
            raise self.broken[serving["name"]]
        return MODELS[serving["name"]]

    def audit(self, record) -> None:
        if self.audit_fails:
            raise HeadraceError("no broker")
        self.audits.append(record)

    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds

    def refresh(self, times: int = 4) -> None:
        """Refresh, with time for the work between."""
        for _ in range(times):
            self.served.refresh()
            self.beside.work()

    def count(self, name: str) -> int:
        lines = self.metrics.exposition().decode().splitlines()
        (value,) = [x for x in lines if x.startswith(f"headrace_{name}_total ")]
        return int(float(value.split()[1]))

    @property
    def told(self):
        return [(each["name"], each["verdict"]) for each in self.audits]


@pytest.fixture
def world(monkeypatch) -> World:
    world = World()
    monkeypatch.setattr(served_module, "monotonic", lambda: world.now_s)
    return world


def opened(world) -> World:
    world.beside.at_once = True
    world.served.open(1.0)
    world.beside.at_once = False
    return world


def test_until_something_is_published_the_first_model_serves_and_nothing_is_told(world) -> None:
    opened(world).refresh()
    assert world.served.model is FIRST
    assert not world.audits
    assert (world.count("models_swapped"), world.count("models_refused")) == (0, 0)


def test_what_is_to_serve_when_it_opens_serves_from_the_first_batch(world) -> None:
    world.servings.point("a")
    opened(world)
    assert world.served.model is MODELS["a"]
    world.refresh()
    (audit,) = world.audits
    assert audit == {
        "service": "scoring",
        "instance": "scoring-0",
        "digest": b"a" * 32,
        "name": "a",
        "version": "1",
        "verdict": "served",
        "reason": "better",
        "serving_digest": b"a" * 32,
        "audited_at_ms": 42,
    }
    assert world.count("models_swapped") == 1


def test_what_is_refused_when_it_opens_leaves_the_first_model(world) -> None:
    world.broken["a"] = untrusted("it was tampered with")
    world.servings.point("a")
    opened(world).refresh()
    assert world.served.model is FIRST
    (audit,) = world.audits
    assert (audit["verdict"], audit["serving_digest"]) == ("refused", FIRST.digest)
    assert "tampered" in audit["reason"]


def test_a_model_that_is_slow_to_come_is_not_waited_for_longer_than_allowed(world) -> None:
    world.servings.point("a")
    world.served.open(0.001)
    assert world.served.model is FIRST
    world.beside.work()
    world.served.refresh()
    assert world.served.model is MODELS["a"]


def test_a_model_is_prepared_beside_and_taken_over_at_a_later_refresh_only(world) -> None:
    opened(world)
    world.servings.point("a")
    world.served.refresh()
    world.served.refresh()
    assert world.served.model is FIRST
    world.beside.work()
    assert world.served.model is FIRST  # a batch may be under way
    world.served.refresh()
    assert world.served.model is MODELS["a"]


@pytest.mark.parametrize(
    "error",
    [untrusted("a chunk is missing"), ValueError("no array"), MemoryError(), KeyError("weight")],
    ids=lambda error: type(error).__name__,
)
def test_what_is_refused_leaves_the_last_good_one_and_is_told_once(world, error, caplog) -> None:
    opened(world)
    world.servings.point("a")
    world.refresh()
    world.broken["b"] = error
    world.servings.point("b")
    world.refresh(10)
    assert world.served.model is MODELS["a"]
    assert world.told == [("a", "served"), ("b", "refused")]
    assert world.audits[-1]["serving_digest"] == b"a" * 32
    assert world.looked_at == ["a", "b"]
    assert (world.count("models_swapped"), world.count("models_refused")) == (1, 1)
    assert "the model b 1" in caplog.text


def test_a_new_record_is_looked_at_anew_whatever_was_refused_before(world) -> None:
    opened(world)
    world.broken["b"] = untrusted("a chunk is missing")
    world.servings.point("b")
    world.refresh()
    del world.broken["b"]
    world.servings.point("b", "published again")
    world.refresh()
    assert world.served.model is MODELS["b"]
    assert world.told == [("b", "refused"), ("b", "served")]


def test_what_could_not_be_read_is_told_once_and_looked_at_again_after_a_while(world) -> None:
    opened(world)
    world.broken["a"] = HeadraceError("no broker answers")
    world.servings.point("a")
    world.refresh(10)
    assert world.looked_at == ["a"]
    world.pass_time(60)
    world.refresh(10)
    assert world.looked_at == ["a", "a"]
    assert world.told == [("a", "refused")]
    del world.broken["a"]
    world.pass_time(60)
    world.refresh()
    assert world.served.model is MODELS["a"]
    assert world.told == [("a", "refused"), ("a", "served")]


def test_what_is_wrong_with_it_is_told_once_it_could_be_read(world) -> None:
    opened(world)
    world.broken["a"] = HeadraceError("no broker answers")
    world.servings.point("a")
    world.refresh()
    world.broken["a"] = untrusted("it was tampered with")
    for _ in range(3):
        world.pass_time(60)
        world.refresh()
    assert world.looked_at == ["a", "a"]
    assert ["tampered" in each["reason"] for each in world.audits] == [False, True]


def test_where_several_are_named_while_one_is_prepared_the_last_serves_in_the_end(world) -> None:
    opened(world)
    world.servings.point("a")
    world.served.refresh()
    world.servings.point("b")
    world.servings.point("c")
    world.refresh()
    assert world.served.model is MODELS["c"]
    assert world.looked_at == ["a", "c"]


def test_an_audit_record_that_cannot_be_written_is_written_later_and_stops_nothing(world) -> None:
    opened(world)
    world.audit_fails = True
    world.servings.point("a")
    world.refresh(10)
    assert world.served.model is MODELS["a"]
    world.servings.point("b")
    world.refresh(10)
    assert world.served.model is MODELS["b"]
    assert not world.audits
    world.audit_fails = False
    world.pass_time(60)
    world.refresh()
    assert world.told == [("a", "served"), ("b", "served")]


def test_what_is_not_written_when_it_closes_is_written_then_or_logged(world, caplog) -> None:
    opened(world)
    world.audit_fails = True
    world.servings.point("a")
    world.refresh()
    world.beside.at_once = True
    world.served.close()
    assert "not written to the audits of models" in caplog.text
    world.audit_fails = False
    world.served.close()
    assert world.told == [("a", "served")]
    assert not world.servings.is_open


def test_without_any_good_model_the_rules_serve_and_the_record_says_so(world) -> None:
    world.served.model = None
    world.broken["a"] = untrusted("it was tampered with")
    world.servings.point("a")
    opened(world).refresh()
    assert world.served.model is None
    assert world.audits[0]["serving_digest"] == bytes(32)
