"""Whatever bytes come, decoding gives a record or says why not, in bounded memory."""

import contextlib
import random
import tracemalloc
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from typing import Any

import fastavro
import pytest

from contract.examples import example_files, load_example
from headrace.contracts.avro import without_logical_types
from headrace.contracts.codec import AnyDecoder, Decoder, Encoder, Undecodable
from headrace.contracts.schemas import load_schema, schema_names
from headrace.contracts.varint import encode_long

SEED = 20_180_401
MUTATIONS = 20_000
BOUND = 1_048_576
NAMES = schema_names()
SCHEMAS = {number: load_schema(name) for number, name in enumerate(NAMES, start=1)}
OLDER = 50
"""Ids from here on are earlier versions: what they write is read by fastavro, with resolution."""
REGISTERED = {
    **SCHEMAS,
    **{
        OLDER + number: {**schema, "fields": schema["fields"][:-1]}
        for number, schema in SCHEMAS.items()
    },
}
Mutation = Callable[[random.Random, bytes], bytes]


def flip(rng: random.Random, value: bytes) -> bytes:
    """One to four bits."""
    damaged = bytearray(value)
    for _ in range(rng.randint(1, 4)):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def truncate(rng: random.Random, value: bytes) -> bytes:
    return value[: rng.randrange(len(value))]


def trail(rng: random.Random, value: bytes) -> bytes:
    return value + rng.randbytes(rng.randint(1, 40))


def length_bomb(rng: random.Random, value: bytes) -> bytes:
    at = rng.randrange(5, len(value))
    huge = rng.choice([2**20, 2**31, 2**40, 2**62, 2**63 - 1, -1, -(2**40), -(2**63)])
    return value[:at] + encode_long(huge) + value[at:]


def endless_integer(rng: random.Random, value: bytes) -> bytes:
    at = rng.randrange(5, len(value))
    return value[:at] + b"\xff" * rng.choice([10, 100, 100_000]) + value[at:]


def other_id(rng: random.Random, value: bytes) -> bytes:
    number = rng.choice([*REGISTERED, rng.randrange(2**32), 0, 2**31, 2**32 - 1])
    return b"\x00" + number.to_bytes(4, "big") + value[5:]


def noise(rng: random.Random, value: bytes) -> bytes:
    return value[: rng.choice([0, 1, 5])] + rng.randbytes(rng.randint(0, 200))


def splice(rng: random.Random, value: bytes) -> bytes:
    at, end = sorted(rng.randrange(len(value)) for _ in range(2))
    return value[:at] + value[end:] + value[at:end]


def huge(rng: random.Random, value: bytes) -> bytes:
    return value + bytes(rng.choice([BOUND - len(value), BOUND]))


COMMON: tuple[Mutation, ...] = (
    flip,
    truncate,
    trail,
    length_bomb,
    endless_integer,
    other_id,
    noise,
    splice,
)


def originals() -> dict[str, list[bytes]]:
    """The examples of each record, in the current version and in an earlier one."""
    written: dict[str, list[bytes]] = {}
    for number, name in enumerate(NAMES, start=1):
        records = [load_example(path, SCHEMAS[number]) for path in example_files(name)]
        older = REGISTERED[OLDER + number]
        names = [field["name"] for field in older["fields"]]
        written[name] = [
            *(Encoder(SCHEMAS[number], number)(record) for record in records),
            *(Encoder(older, OLDER + number)({n: record[n] for n in names}) for record in records),
        ]
    return written


def test_mutated_values_are_a_record_or_a_reason_and_memory_stays_bounded():
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    written = originals()
    decoders = {
        name: Decoder(SCHEMAS[number], REGISTERED.__getitem__, BOUND)
        for number, name in enumerate(NAMES, start=1)
    }
    outcomes: Counter[str] = Counter()
    tracemalloc.start()
    for number in range(MUTATIONS):
        name = rng.choice(NAMES)
        mutate = huge if number % 1_000 == 0 else rng.choice(COMMON)
        value = mutate(rng, rng.choice(written[name]))
        try:
            assert isinstance(decoders[name](value), dict)
            outcomes["a record"] += 1
        except Undecodable as refused:
            outcomes[refused.reason] += 1
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(dict(outcomes), f"peak {peak_bytes} bytes")
    assert {"too_large", "bad_framing", "unknown_schema", "undecodable", "trailing_bytes"} < set(
        outcomes
    )
    assert peak_bytes < 16 * BOUND


def test_what_is_read_of_damaged_bytes_is_what_fastavro_reads_of_them():
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    written = originals()
    plain = {n: fastavro.parse_schema(without_logical_types(s)) for n, s in SCHEMAS.items()}
    decoders = {n: Decoder(s, {n: s}.__getitem__, BOUND) for n, s in SCHEMAS.items()}
    accepted = 0
    for _ in range(MUTATIONS):
        number = rng.randint(1, len(NAMES))
        current = [value for value in written[NAMES[number - 1]] if value[4] == number]
        value = rng.choice((flip, splice))(rng, rng.choice(current))
        with contextlib.suppress(Undecodable):
            record = decoders[number](value)
            expected = fastavro.schemaless_reader(BytesIO(value[5:]), plain[number], None)
            assert repr(record) == repr(expected)  # as text, because NaN is not NaN
            accepted += 1
    assert accepted > MUTATIONS / 10


def tried(decode: Decoder, value: bytes) -> tuple[dict[str, Any], str]:
    """What is read, or why not."""
    try:
        return decode(value), ""
    except Undecodable as refused:
        return {}, refused.reason


def test_what_is_damaged_is_so_whichever_fields_are_kept():
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    written = originals()
    whole = {n: Decoder(s, REGISTERED.__getitem__, BOUND) for n, s in SCHEMAS.items()}
    refused = 0
    for _ in range(MUTATIONS // 4):
        number = rng.randint(1, len(NAMES))
        names = [field["name"] for field in SCHEMAS[number]["fields"]]
        kept = rng.sample(names, rng.randint(0, len(names)))
        decode = Decoder(SCHEMAS[number], REGISTERED.__getitem__, BOUND, kept)
        value = rng.choice(COMMON)(rng, rng.choice(written[NAMES[number - 1]]))
        (record, why), (kept_of_it, same) = tried(whole[number], value), tried(decode, value)
        assert why == same
        refused += bool(why)
        assert repr(kept_of_it) == repr({n: value for n, value in record.items() if n in kept})
    assert MUTATIONS / 10 < refused < MUTATIONS / 4


@pytest.mark.parametrize("name", NAMES)
def test_every_single_flipped_bit_gives_a_record_or_a_reason(name):
    number = NAMES.index(name) + 1
    decode = Decoder(SCHEMAS[number], REGISTERED.__getitem__, BOUND)
    record = load_example(example_files(name)[-1], SCHEMAS[number])
    value = Encoder(SCHEMAS[number], number)(record)
    undetected = 0
    for bit in range(8 * len(value)):
        damaged = bytearray(value)
        damaged[bit // 8] ^= 1 << bit % 8
        with contextlib.suppress(Undecodable):
            assert set(decode(bytes(damaged))) == set(record)
            undetected += 1
    print(f"{undetected} of {8 * len(value)} flipped bits give another record")


@pytest.mark.parametrize("count", [2**20, 2**40, 2**62, -(2**40), -(2**63)])
@pytest.mark.parametrize("items", ["long", "double", "string", "bytes"])
def test_a_bomb_of_items_neither_allocates_nor_takes_time(items, count):
    schema = {
        "type": "record",
        "name": "Bomb",
        "fields": [{"name": "items", "type": {"type": "array", "items": items}}],
    }
    size = encode_long(2**40) if count < 0 else b""
    value = b"\x00\x00\x00\x00\x01" + encode_long(count) + size + b"\x02" * 1_000
    tracemalloc.start()
    with pytest.raises(Undecodable) as refused:
        Decoder(schema, lambda _: schema, BOUND)(value)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.reason in ("undecodable", "trailing_bytes")
    assert peak_bytes < BOUND


def nested_arrays(depth: int) -> object:
    schema: object = "long"
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


def laughing(levels: int) -> object:
    """Each level holds ten of the next: a short value of 10**levels parts."""
    schema: object = {"type": "record", "name": "L0", "fields": []}
    for level in range(1, levels):
        fields = [
            {"name": f"f{n}", "type": schema if n == 0 else f"L{level - 1}"} for n in range(10)
        ]
        schema = {"type": "record", "name": f"L{level}", "fields": fields}
    return schema


LINKED = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "next", "type": ["null", "Node"]}],
}


RUNAWAYS: dict[str, object] = {
    "a list without an end": LINKED,
    "a hundred arrays in each other": nested_arrays(100),
    "a hundred thousand arrays in each other": nested_arrays(100_000),
    "a billion laughs": laughing(12),
    "nothing, many times": {"type": "array", "items": "null"},
    "empty records": {
        "type": "array",
        "items": {"type": "record", "name": "Nothing", "fields": []},
    },
    "empty bytes": {"type": "array", "items": {"type": "fixed", "name": "Empty", "size": 0}},
    "a programme": {"type": "fixed", "name": "Injected", "size": "1]; raise SystemExit #"},
    "a record without fields": {"type": "record", "name": "Unfinished"},
    "an array of what": {"type": "array"},
    "a type that there is not": {"type": {"type": {"type": "nothing"}}},
    "a map of what": ["null", {"type": "map"}],
    "a number": 7,
    "null": None,
}


@pytest.mark.parametrize("kind", RUNAWAYS)
def test_a_writer_whose_schema_could_run_away_is_refused(kind):
    ours = {"type": "record", "name": "Ours", "fields": [{"name": "part", "type": "long"}]}
    theirs = {
        "type": "record",
        "name": "Ours",
        "fields": [{"name": "part", "type": RUNAWAYS[kind]}],
    }
    value = b"\x00\x00\x00\x00\x01" + b"\x02" * 2_000
    for decode in (Decoder(ours, lambda _: theirs, BOUND), AnyDecoder(lambda _: theirs, BOUND)):
        with pytest.raises(Undecodable) as refused:
            decode(value)
        assert refused.value.reason == "unknown_schema"
