"""Whatever bytes come in: the process lives, and each record is decided or a dead letter."""

import random
import uuid
from collections import Counter
from hashlib import sha256
from io import BytesIO

import fastavro
import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from headrace.chassis.clock import now_ms
from headrace.contracts.schemas import load_schema
from support.running import scoring
from support.use_case import START_MS, by_place, deployed, transaction

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

SEED = 13
PAYLOADS = 100_000
FRAMING = 5
MOST_MEMORY_MB = 250
MOST_VALUE_BYTES = 1_048_576
UNREADABLE = {"bad_framing", "unknown_schema", "undecodable", "trailing_bytes"}
READABLE = {"key_mismatch", "invalid_value", "future", "id_conflict"}
SCHEMA = fastavro.parse_schema(load_schema("card-fraud/Transaction"))


def flipped(value, chance):
    flips = bytearray(value)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        bit = chance.randrange(8 * len(value))
        flips[bit // 8] ^= 1 << bit % 8
    return bytes(flips)


def truncated(value, chance):
    return value[: chance.randrange(len(value))]


def length_bomb(value, chance):
    """Claim a length of up to 2^62 bytes, or a negative one, somewhere in the body."""
    at = chance.randrange(FRAMING, len(value))
    claimed = bytes(0x80 | chance.randrange(128) for _ in range(chance.randrange(2, 9)))
    return value[:at] + claimed + bytes([chance.randrange(1, 128)]) + value[at:]


def lengthened(value, chance):
    return value + chance.randbytes(chance.randrange(1, 30))


def of_another_schema(value, chance):
    """Name one of few ids that no schema has, below and above the largest that there can be."""
    schema_id = 2**31 + chance.randrange(-50, 50)
    return value[:1] + schema_id.to_bytes(4) + value[FRAMING:]


def overwritten(value, chance):
    """Put noise behind a framing that is right."""
    return value[:FRAMING] + chance.randbytes(len(value) - FRAMING)


MUTATIONS = (flipped, truncated, length_bomb, lengthened, of_another_schema, overwritten)


@pytest.fixture(scope="module")
def case(stack, tmp_path_factory):
    name, folder = f"test-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("bad-input")
    with deployed(name, folder) as case:
        yield case


@pytest.fixture(scope="module")
def service(case):
    with scoring(case, HEADRACE_DEAD_LETTER_LIMIT="false") as service:
        yield service


@pytest.fixture(scope="module")
def mutated(case, service):
    """The mutated records by place, when all of them have been processed."""
    print(f"seed {SEED}")
    chance, encode = random.Random(SEED), case.encoder("events")
    records = []
    for number in range(PAYLOADS):
        # Ids so different that a flipped one never is another's.
        event_id = f"{chance.getrandbits(128):032x}"
        record = transaction(
            event_id=event_id,
            card_id=f"card-{number % 1_000}",
            occurred_at_ms=START_MS + number * 1_000,
        )
        mutate = MUTATIONS[number % len(MUTATIONS)]
        records.append((mutate.__name__, record["card_id"], mutate(encode(record), chance)))
    places = case.publish((key, value) for _, key, value in records)
    service.until(case.is_done, 120)
    return dict(zip(places, records, strict=True))


@pytest.fixture(scope="module")
def decisions(case, mutated):
    found = by_place(case.records("decisions"))
    return {place: each for place, each in found.items() if place in mutated}


@pytest.fixture(scope="module")
def letters(case, mutated):
    found = by_place(case.records("events.dlq"))
    return {place: each for place, each in found.items() if place in mutated}


def test_each_mutated_record_is_a_dead_letter_or_undetectable_by_value(mutated, decisions, letters):
    assert decisions.keys() | letters.keys() == mutated.keys()
    assert not decisions.keys() & letters.keys()
    for how in MUTATIONS:
        of = {place for place, (mutation, _, _) in mutated.items() if mutation == how.__name__}
        reasons = Counter(letters[place]["reason"] for place in of & letters.keys())
        print(f"{how.__name__}: {len(of & decisions.keys())} decided, {dict(reasons)}")
        assert how is flipped or not of & decisions.keys()


def test_a_dead_letter_of_a_mutated_record_has_its_bytes_and_a_reason_of_its_kind(mutated, letters):
    for place, letter in letters.items():
        _, key, value = mutated[place]
        assert (letter["key"], letter["value"]) == (key.encode(), value)
        assert letter["reason"] in UNREADABLE | READABLE


def test_another_decoder_agrees_on_which_records_can_be_read(case, mutated, decisions, letters):
    framing = case.encoder("events")(transaction())[:FRAMING]
    for place, (_, key, value) in mutated.items():
        record = read(value) if value.startswith(framing) else None
        if place in decisions:
            assert record is not None
            assert record["card_id"] == key
            assert record["event_id"] == decisions[place]["event_id"]
        elif letters[place]["reason"] in UNREADABLE:
            assert record is None
        else:
            assert record is not None


def read(value):
    body = BytesIO(value[FRAMING:])
    try:
        record = fastavro.schemaless_reader(body, SCHEMA, None)
    except Exception:  # noqa: BLE001 -- hostile bytes raise nearly anything
        return None
    return record if body.tell() == len(value) - FRAMING else None


def test_memory_stays_bounded(service, mutated):
    most_mb = service.most_memory_mb()
    print(f"{most_mb:.0f} MB")
    assert most_mb < MOST_MEMORY_MB


MINUTE_MS = 60_000
IMPOSSIBLE = [
    ("invalid_value", {"distance_km": float("nan")}),
    ("invalid_value", {"distance_km": float("inf")}),
    ("invalid_value", {"distance_km": float("-inf")}),
    ("invalid_value", {"distance_km": -0.5}),
    ("invalid_value", {"distance_km": 1e308}),
    ("invalid_value", {"amount_minor": -1}),
    ("invalid_value", {"amount_minor": 100_000_001}),
    ("invalid_value", {"amount_minor": 2**63 - 1}),
    ("invalid_value", {"amount_minor": -(2**63)}),
    ("invalid_value", {"currency": "eur"}),
    ("invalid_value", {"currency": ""}),
    ("invalid_value", {"event_id": ""}),
    ("invalid_value", {"event_id": "x" * 129}),
    ("invalid_value", {"card_id": "x" * 129}),
    ("invalid_value", {"merchant_id": "x" * (MOST_VALUE_BYTES - 200)}),
    ("invalid_value", {"occurred_at_ms": 0}),
    ("invalid_value", {"occurred_at_ms": -(2**63)}),
    ("future", {"occurred_at_ms": 2**63 - 1}),
    ("future", {"occurred_at_ms": now_ms() + 24 * 60 * MINUTE_MS}),
    (None, {"occurred_at_ms": now_ms() + 3 * MINUTE_MS}),
    (None, {"distance_km": None}),
    (None, {"amount_minor": 0}),
    (None, {"event_id": "x" * 128, "card_id": "y" * 128}),
    (None, {"merchant_id": "\0\u202e#\U0001f4b3", "card_id": "#1#"}),
]


def fates(case, service, records):
    """Publish records; return the reason of each one's dead letter, None where it was decided."""
    places = case.publish(records)
    service.until(case.is_done)
    letters, decisions = by_place(case.records("events.dlq")), by_place(case.records("decisions"))
    for place, (key, value) in zip(places, records, strict=True):
        assert (place in letters) != (place in decisions)
        if place in letters:
            assert letters[place]["value"] == value
            assert letters[place]["key"] == (key.encode() if isinstance(key, str) else key)
    return [letters[place]["reason"] if place in letters else None for place in places]


def test_well_formed_records_of_impossible_values_are_dead_letters_with_their_reason(case, service):
    encode = case.encoder("events")
    records = [transaction(**changes) for _, changes in IMPOSSIBLE]
    found = fates(case, service, [(each["card_id"], encode(each)) for each in records])
    assert found == [reason for reason, _ in IMPOSSIBLE]


def test_records_without_key_or_value_or_of_the_wrong_size_are_dead_letters(case, service):
    encode = case.encoder("events")
    valid = encode(transaction())
    large = encode(transaction(merchant_id="m" * MOST_VALUE_BYTES))
    padded = valid + b"\0" * (MOST_VALUE_BYTES - len(valid))
    records = {
        "no key": (None, valid),
        "an empty key": ("", encode(transaction())),
        "a key that is not UTF-8": (b"card-\xff", encode(transaction())),
        "another's key": ("card-2", encode(transaction())),
        "no value": ("card-1", None),
        "an empty value": ("card-1", b""),
        "neither": (None, None),
        "the largest size": ("card-1", padded),
        "one byte more": ("card-1", padded + b"\0"),
        "a large field": ("card-1", large),
    }
    found = fates(case, service, list(records.values()))
    assert dict(zip(records, found, strict=True)) == {
        "no key": "key_mismatch",
        "an empty key": "key_mismatch",
        "a key that is not UTF-8": "key_mismatch",
        "another's key": "key_mismatch",
        "no value": "null_value",
        "an empty value": "bad_framing",
        "neither": "null_value",
        "the largest size": "trailing_bytes",
        "one byte more": "too_large",
        "a large field": "too_large",
    }


def test_the_process_lives_and_verify_holds(case, service, mutated):
    assert service.process.poll() is None
    assert service.is_ready()
    verified = case.headrace("verify", "--json")
    assert verified.returncode == 0, verified.stdout


def test_records_larger_than_a_dead_letter_are_cut_and_hold_nothing_up(stack, use_case, tmp_path):
    """Compressed, a record of any size comes through the topic's limit; so does a long key."""
    large, long_key = b"\0" * 8_000_000, b"k" * 1_100_000
    with deployed(use_case, tmp_path) as case:
        before, after = transaction(), transaction()
        encode = case.encoder("events")
        records = [
            ("card-1", encode(before)),
            ("card-1", large),
            (long_key, None),
            ("card-1", encode(after)),
        ]
        as_it_comes(case)
        settings = {"compression.type": "gzip", "message.max.bytes": 100_000_000}
        _, second, third, _ = case.publish(records, partition=0, **settings)
        with scoring(case) as service:
            service.until(case.is_done)
        letters = by_place(case.records("events.dlq"))
        decisions = case.records("decisions")
    assert [each["event_id"] for each in decisions] == [before["event_id"], after["event_id"]]
    assert letters[second]["reason"] == "too_large"
    assert letters[second]["value"] == large[: len(letters[second]["value"])]
    assert len(letters[second]["value"]) > MOST_VALUE_BYTES
    assert (
        f"8000000 bytes are here, SHA-256 {sha256(large).hexdigest()}" in letters[second]["detail"]
    )
    assert letters[third]["reason"] == "null_value"
    assert letters[third]["key"] == long_key[: len(letters[third]["key"])]
    assert (
        f"1100000 bytes are here, SHA-256 {sha256(long_key).hexdigest()}"
        in letters[third]["detail"]
    )


def as_it_comes(case):
    """Let the broker keep records compressed as they come, whatever the topic is set to."""
    kept = ConfigEntry("compression.type", "producer", incremental_operation=AlterConfigOpType.SET)
    topic = ConfigResource(ConfigResource.Type.TOPIC, case.topic("events"))
    topic.add_incremental_config(kept)
    admin = case.clients.admin()
    for altered in admin.incremental_alter_configs([topic]).values():
        altered.result()
