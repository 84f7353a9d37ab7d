"""Where state and offsets contradict each other, scoring refuses to start and says why.

Nothing is decided again in silence: after each refusal, all topics hold what they held before.
"""

import uuid

import pytest
from confluent_kafka import TopicPartition

from headrace.simulator.sources import simulated
from support.running import scoring
from support.use_case import deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

EVENTS = 500
SEED = 19
OUTPUTS = ("decisions", "audits", "events.dlq", "scoring.changelog")


@pytest.fixture(scope="module")
def case(stack, tmp_path_factory):
    """A use case whose events have all been processed; nobody runs."""
    name, folder = f"test-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("refuses")
    with deployed(name, folder) as case:
        source = simulated(case.charter, case.registry, EVENTS, SEED)
        case.publish((each.key, each.value) for each in source.publications)
        with scoring(case, HEADRACE_DEAD_LETTER_LIMIT="false") as service:
            service.until(case.is_done)
            assert service.stop() == 0
        yield case


@pytest.fixture
def offsets(case):
    """Where the group stands; put back when the test has ended."""
    committed = case.committed()
    yield committed
    case.commit(committed)


def refusal(case):
    """Start scoring; return what it says when it refuses."""
    before = [case.ends(plural) for plural in OUTPUTS]
    with scoring(case, ready=False) as service:
        assert service.process.wait(60) == 1
    assert [case.ends(plural) for plural in OUTPUTS] == before
    assert "Traceback" not in service.errors()
    return service.errors()


def test_state_without_committed_offsets_is_refused(case, offsets):
    admin = case.clients.admin()
    admin.delete_consumer_groups([case.group])[case.group].result()
    said = refusal(case)
    assert f"{case.name}.scoring.changelog partition" in said
    assert "its consumer group has no committed offset" in said
    assert "fix: Set the group's offsets to where it stood" in said


def test_offsets_that_were_moved_back_are_refused(case, offsets):
    case.commit({partition: offset - 10 for partition, offset in offsets.items()})
    said = refusal(case)
    assert "at or past the committed offset" in said
    assert "The group's offsets were moved back" in said


def test_events_that_were_deleted_before_they_were_processed_are_refused(case, offsets):
    partition = max(offsets, key=lambda each: offsets[each])
    case.publish([("card-1", b"no Avro")] * 3, partition=partition)
    topic = case.topic("events")
    admin = case.clients.admin()
    for deleted in admin.delete_records(
        [TopicPartition(topic, partition, offsets[partition] + 2)]
    ).values():
        deleted.result()
    said = refusal(case)
    assert f"{topic} partition {partition}: the records at the committed offset are gone" in said
    assert "decide where to go on and set the group's offsets" in said
    offsets[partition] += 2  # decided: go on with what there is


@pytest.fixture
def fresh(stack, use_case, tmp_path):
    """A use case of which nothing has been processed."""
    with deployed(use_case, tmp_path) as case:
        yield case


def test_state_of_another_format_is_refused(fresh):
    changelog, encode = "scoring.changelog", fresh.encoder("scoring.changelog")
    entry = {"format": 99, "offset": 0, "body": b"of a later version", "input": 0}
    fresh.publish([("card-1#0", encode(entry))], changelog, partition=0)
    said = refusal(fresh)
    assert f"{fresh.topic(changelog)} holds state of format 99, this version reads format 1" in said
    assert "Run the version that wrote it" in said


@pytest.mark.parametrize(
    ("key", "value"), [("card-1#0", b"no Avro"), ("card-1#0", None), ("card-1", "a change")]
)
def test_a_changelog_into_which_another_has_written_is_refused(fresh, key, value):
    changelog, encode = "scoring.changelog", fresh.encoder("scoring.changelog")
    if value == "a change":
        value = encode({"format": 1, "offset": 0, "body": bytes(56), "input": 0})
    fresh.publish([(key, value)], changelog, partition=0)
    said = refusal(fresh)
    assert f"{fresh.topic(changelog)} partition 0 holds something at offset 0" in said
    assert "Somebody else has written to the changelog" in said
