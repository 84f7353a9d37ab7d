"""A record comes back from its bytes as it was, and what does not fit is refused."""

import copy
import struct
from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.examples import example_files, load_example
from headrace.contracts.avro import without_logical_types
from headrace.contracts.batch_encoding import Doubles
from headrace.contracts.codec import AnyDecoder, Decoder, Encoder, Undecodable
from headrace.contracts.registry import RegistryUnavailable
from headrace.contracts.schemas import load_schema, schema_names
from unit.contracts.avro_values import record_schemas, values

NAMES = schema_names()
SCHEMAS = {name: load_schema(name) for name in NAMES}
TRANSACTION = SCHEMAS["card-fraud/Transaction"]
TYPICAL = load_example(example_files("card-fraud/Transaction")[-1], TRANSACTION)
BOUND = 1_048_576
GENERAL = {
    "type": "record",
    "name": "General",
    "fields": [
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "ratio", "type": "float"},
        {"name": "tags", "type": {"type": "map", "values": "long"}},
        {"name": "either", "type": ["null", "string", "long"]},
    ],
}


def decoder(schema: dict[str, Any], bound: int = BOUND) -> Decoder:
    return Decoder(schema, lambda _: schema, bound)


def by_fastavro(schema: dict[str, Any], record: dict[str, Any]) -> bytes:
    buffer = BytesIO()
    fastavro.schemaless_writer(
        buffer, fastavro.parse_schema(without_logical_types(schema)), record, strict=True
    )
    return buffer.getvalue()


@given(st.data())
@pytest.mark.parametrize("name", NAMES)
def test_a_record_comes_back_from_its_bytes_as_it_was(name, data):
    schema = SCHEMAS[name]
    record = data.draw(values(schema))
    value = Encoder(schema, 4_294_967_295)(record)
    assert value[:5] == b"\x00\xff\xff\xff\xff"
    assert value[5:] == by_fastavro(schema, record)
    assert decoder(schema)(value) == record


@given(st.data())
@settings(max_examples=300)
def test_any_schema_gives_the_same_bytes_and_records_as_fastavro(data):
    schema = data.draw(record_schemas())
    record = data.draw(values(schema))
    value = Encoder(schema, 1)(record)
    assert value[5:] == by_fastavro(schema, record)
    assert decoder(schema)(value) == record
    assert AnyDecoder(lambda _: schema, BOUND)(value) == record


@given(values(GENERAL))
def test_schemas_that_are_not_compiled_are_written_and_read_as_well(record):
    value = Encoder(GENERAL, 1)(record)
    assert value[5:] == by_fastavro(GENERAL, record)
    assert decoder(GENERAL)(value) == record


@given(st.data())
@settings(max_examples=200)
def test_a_batch_gives_the_bytes_that_its_records_give_one_by_one(data):
    schema = data.draw(record_schemas())
    names = [field["name"] for field in schema["fields"]]
    varying = data.draw(st.sets(st.sampled_from(names), min_size=1)) if names else set()
    records = data.draw(st.lists(values(schema), min_size=1, max_size=4))
    if not varying:
        return
    records = [
        {name: (record if name in varying else records[0])[name] for name in names}
        for record in records
    ]
    encode = Encoder(schema, 1)
    same = {name: records[0][name] for name in names if name not in varying}
    columns = {name: [record[name] for record in records] for name in varying}
    assert encode.batch(same, columns) == [encode(record) for record in records]


def test_a_column_that_repeats_a_few_texts_gives_the_same_bytes():
    actions = ["approve", "decline", "review"]
    records = [{**TYPICAL, "currency": actions[number % 3]} for number in range(50)]
    records[40]["currency"] = "only once"
    encode = Encoder(TRANSACTION, 1)
    same = {name: value for name, value in TYPICAL.items() if name != "currency"}
    columns = columns_of(records, "currency")
    assert encode.batch(same, columns) == [encode(record) for record in records]
    columns["currency"][45] = 7
    with pytest.raises(ValueError, match="currency"):
        encode.batch(same, columns)


def test_doubles_can_come_packed():
    schema = {
        "type": "record",
        "name": "Measured",
        "fields": [
            {"name": "score", "type": "double"},
            {"name": "vector", "type": {"type": "array", "items": "double"}},
        ],
    }
    scores, vectors = [0.5, -1.0], [[1.0, 2.0, 3.0], [4.0, 5.0, float("inf")]]
    columns = {
        "score": Doubles(struct.pack("<2d", *scores), None),
        "vector": Doubles(struct.pack("<6d", *vectors[0], *vectors[1]), 3),
    }
    encode = Encoder(schema, 1)
    assert [[*column] for column in columns.values()] == [scores, vectors]
    assert encode.batch({}, columns) == [
        encode({"score": score, "vector": vector})
        for score, vector in zip(scores, vectors, strict=True)
    ]


def test_packed_doubles_are_written_only_where_they_belong():
    others = {name: value for name, value in TYPICAL.items() if name != "event_id"}
    with pytest.raises(ValueError, match="event_id"):
        Encoder(TRANSACTION, 1).batch(others, {"event_id": Doubles(bytes(8), None)})
    with pytest.raises(ValueError, match="without values"):
        Doubles(b"", 0)


def columns_of(records, *names):
    return {name: [record[name] for record in records] for name in names}


def test_what_does_not_fit_a_batch_is_named():
    others = {name: value for name, value in TYPICAL.items() if name != "amount_minor"}
    encode = Encoder(TRANSACTION, 1)
    with pytest.raises(ValueError, match="amount_minor"):
        encode.batch(others, {"amount_minor": [1, "2"]})
    with pytest.raises(ValueError, match="missing: amount_minor"):
        encode.batch({}, columns_of([TYPICAL], *others))
    with pytest.raises(ValueError, match="not: event_id"):
        encode.batch({**others, "amount_minor": 1}, {"event_id": ["e"]})
    with pytest.raises(ValueError, match="no fields colour"):
        encode.batch({**TYPICAL}, {"colour": ["red"]})
    with pytest.raises(ValueError, match="must differ"):
        encode.batch(TYPICAL, {})
    with pytest.raises(ValueError, match="zip"):
        encode.batch(
            {name: value for name, value in others.items() if name != "event_id"},
            {"amount_minor": [1, 2], "event_id": ["e"]},
        )


def test_nan_and_the_infinities_and_minus_zero_are_kept():
    for number in (float("nan"), float("inf"), float("-inf"), -0.0):
        value = Encoder(TRANSACTION, 1)({**TYPICAL, "distance_km": number})
        read = decoder(TRANSACTION)(value)["distance_km"]
        assert struct.pack("<d", read) == struct.pack("<d", number)


def test_times_are_plain_integers():
    value = Encoder(TRANSACTION, 1)(TYPICAL)
    assert decoder(TRANSACTION)(value)["occurred_at_ms"] == 1_522_540_800_000


@pytest.mark.parametrize("schema", [TRANSACTION, GENERAL], ids=["compiled", "general"])
def test_a_missing_field_is_refused_even_where_it_has_a_default(schema):
    whole = (
        TYPICAL if schema is TRANSACTION else {"kind": "A", "ratio": 1.0, "tags": {}, "either": 1}
    )
    Encoder(schema, 1)(whole)
    for name in whole:
        record = {each: value for each, value in whole.items() if each != name}
        with pytest.raises(ValueError, match=name):
            Encoder(schema, 1)(record)


def test_an_unknown_field_is_refused():
    with pytest.raises(ValueError, match="colour"):
        Encoder(TRANSACTION, 1)({**TYPICAL, "colour": "red"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount_minor", 49.99),
        ("amount_minor", 5.0),
        ("amount_minor", "4999"),
        ("amount_minor", None),
        ("amount_minor", True),
        ("amount_minor", 2**63),
        ("amount_minor", -(2**63) - 1),
        ("event_id", 7),
        ("event_id", None),
        ("event_id", b"tx-1"),
        ("event_id", "\ud800"),
        ("distance_km", "12.5"),
        ("distance_km", True),
        ("distance_km", []),
    ],
)
def test_a_value_that_does_not_fit_its_field_is_refused_and_never_bent(field, value):
    with pytest.raises((TypeError, ValueError)):
        Encoder(TRANSACTION, 1)({**TYPICAL, field: value})


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("platform/DecisionMade", "late", 1),
        ("platform/DecisionMade", "late", "false"),
        ("platform/DecisionMade", "score", "0.5"),
        ("platform/DecisionMade", "score", None),
        ("platform/DecisionMade", "source_partition", 2**31),
        ("platform/DecisionMade", "source_partition", -(2**31) - 1),
        ("platform/DecisionMade", "model_digest", b"short"),
        ("platform/DecisionMade", "model_digest", "x" * 32),
        ("platform/DecisionMade", "features", [1.0, "2"]),
        ("platform/DecisionMade", "features", None),
        ("platform/DecisionMade", "rule_hits", [1]),
        ("platform/DeadLettered", "value", "text"),
        ("platform/DeadLettered", "headers", [{"name": "x"}]),
        ("platform/DeadLettered", "headers", [{"name": "x", "value": None, "more": 1}]),
        ("platform/StateChanged", "body", "text"),
        ("platform/StateChanged", "body", [1, 2]),
    ],
)
def test_platform_records_are_as_strict(name, field, value):
    record = load_example(example_files(name)[-1], SCHEMAS[name])
    Encoder(SCHEMAS[name], 1)(record)
    with pytest.raises((TypeError, ValueError)):
        Encoder(SCHEMAS[name], 1)({**record, field: value})


def test_the_error_names_the_field():
    with pytest.raises(ValueError, match="amount_minor"):
        Encoder(TRANSACTION, 1)({**TYPICAL, "amount_minor": "4999"})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null_value"),
        (b"", "bad_framing"),
        (b"\x00\x00\x00\x00", "bad_framing"),
        (b"\x01\x00\x00\x00\x01rest", "bad_framing"),
        (b'{"event_id": "tx-1"}', "bad_framing"),
        (b"\x00\x00\x00\x00\x09", "unknown_schema"),
        (b"\x00\x00\x00\x00\x01", "undecodable"),
        (b"\x00" * 101, "too_large"),
    ],
)
def test_each_defect_of_the_frame_has_its_reason(value, reason):
    decode = Decoder(TRANSACTION, {1: TRANSACTION}.__getitem__, 100)
    with pytest.raises(Undecodable) as refused:
        decode(value)
    assert refused.value.reason == reason
    assert refused.value.detail


def test_what_follows_a_record_is_not_ignored():
    value = Encoder(TRANSACTION, 1)(TYPICAL)
    with pytest.raises(Undecodable, match="2 bytes are left over") as refused:
        decoder(TRANSACTION)(value + b"\x00\x00")
    assert refused.value.reason == "trailing_bytes"


@pytest.mark.parametrize("name", NAMES)
def test_a_record_that_is_cut_short_anywhere_is_refused(name):
    schema = SCHEMAS[name]
    value = Encoder(schema, 1)(load_example(example_files(name)[-1], schema))
    for length in range(5, len(value)):
        with pytest.raises(Undecodable) as refused:
            decoder(schema)(value[:length])
        assert refused.value.reason == "undecodable"


def test_the_id_of_another_registered_record_is_unknown_and_not_a_guess():
    decode = Decoder(TRANSACTION, {1: TRANSACTION, 2: SCHEMAS["platform/PauseChanged"]}.get, BOUND)
    value = Encoder(SCHEMAS["platform/PauseChanged"], 2)(
        {"service": "s", "paused": True, "reason": "", "by": "", "changed_at_ms": 0}
    )
    with pytest.raises(Undecodable, match=r"headrace\.PauseChanged") as refused:
        decode(value)
    assert refused.value.reason == "unknown_schema"


def test_a_writer_that_nothing_can_be_read_with_is_unknown():
    for schema in ({"type": "string"}, {"type": "record", "name": "Transaction"}, {}, {"type": 7}):
        decode = Decoder(TRANSACTION, lambda _, found=schema: found, BOUND)
        with pytest.raises(Undecodable) as refused:
            decode(b"\x00\x00\x00\x00\x01\x00")
        assert refused.value.reason == "unknown_schema"


def test_a_registry_that_is_away_is_not_the_records_fault():
    def away(_: int) -> dict[str, Any]:
        raise RegistryUnavailable("away")

    with pytest.raises(RegistryUnavailable):
        Decoder(TRANSACTION, away, BOUND)(Encoder(TRANSACTION, 1)(TYPICAL))


def test_a_writer_is_looked_up_once():
    asked = []

    def writer(schema_id: int) -> dict[str, Any]:
        asked.append(schema_id)
        return TRANSACTION

    decode = Decoder(TRANSACTION, writer, BOUND)
    for _ in range(3):
        decode(Encoder(TRANSACTION, 5)(TYPICAL))
    assert asked == [5]


def test_each_record_has_its_own_defaults():
    following = copy.deepcopy(SCHEMAS["platform/DeadLettered"])
    old = {
        **following,
        "fields": [field for field in following["fields"] if field["name"] != "headers"],
    }
    record = load_example(example_files("platform/DeadLettered")[-1], following)
    del record["headers"]
    decode = Decoder(following, {1: old}.__getitem__, BOUND)
    value = Encoder(old, 1)(record)
    decode(value)["headers"].append("mine")
    assert decode(value)["headers"] == []


@given(st.data())
@settings(max_examples=300)
def test_the_fields_that_are_kept_are_what_the_whole_record_has(data):
    schema = data.draw(record_schemas() | st.just(GENERAL))
    names = [field["name"] for field in schema["fields"]]
    kept = data.draw(st.sets(st.sampled_from(names))) if names else set()
    record = data.draw(values(schema))
    decode = Decoder(schema, lambda _: schema, BOUND, kept)
    assert decode(Encoder(schema, 1)(record)) == {
        name: value for name, value in record.items() if name in kept
    }


def test_of_what_an_earlier_version_wrote_the_kept_fields_have_their_defaults():
    following = SCHEMAS["platform/DecisionMade"]
    old = {**following, "fields": following["fields"][:-1]}
    record = load_example(example_files("platform/DecisionMade")[-1], following)
    value = Encoder(old, 1)({each["name"]: record[each["name"]] for each in old["fields"]})
    decode = Decoder(following, {1: old}.__getitem__, BOUND, {"score", "profile_keys"})
    assert decode(value) == {"score": record["score"], "profile_keys": []}
