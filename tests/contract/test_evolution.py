"""Records outlive the programs that wrote them: every version reads every other's bytes."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from contract.changes import (
    BASE,
    COMPATIBLE,
    INCOMPATIBLE,
    NULLABLE,
    RECORD,
    change_type,
    changed,
    remove_without_default,
    rename_record,
)
from contract.examples import example_files, fields_of, load_example
from headrace.contracts.codec import Decoder, Encoder, Undecodable
from headrace.contracts.compatibility import incompatibilities, unreadable
from headrace.contracts.location import shipped
from headrace.contracts.schemas import load_schema, schema_names

RELEASED = shipped("schemas") / "released"
BOUND = 1_048_576


def released(name: str) -> list[Path]:
    """The frozen versions of one record, oldest first."""
    return sorted((RELEASED / name).glob("v*.avsc"), key=lambda path: int(path.stem[1:]))


def as_read(record: dict[str, Any], reader: dict[str, Any]) -> dict[str, Any]:
    """What a reader must make of a record: its own fields, and its defaults for what is missing."""
    return {
        field["name"]: record[field["name"]] if field["name"] in record else field["default"]
        for field in reader["fields"]
    }


VERSIONS = [(name, path) for name in schema_names() for path in released(name)]
ids = [f"{path.parent.name}-{path.stem}" for _, path in VERSIONS]


@pytest.mark.parametrize("name", schema_names())
def test_the_schema_equals_its_newest_released_version(name):
    newest = released(name)[-1] if released(name) else None
    next_version = f"v{len(released(name)) + 1}"
    assert newest is not None, (
        f"schemas/{name}.avsc was never released: copy it to "
        f"schemas/released/{name}/{next_version}.avsc"
    )
    assert json.loads(newest.read_text("utf-8")) == load_schema(name), (
        f"schemas/{name}.avsc differs from its newest released version {newest.stem}. If the "
        f"change is meant, copy it to schemas/released/{name}/{next_version}.avsc in the same "
        "commit; a released file itself is never edited."
    )


def test_no_released_version_is_of_a_record_that_is_gone_and_none_is_missing():
    files = [path for path in RELEASED.rglob("*.*") if path.is_file()]
    assert {path.parent.relative_to(RELEASED).as_posix() for path in files} == set(schema_names())
    for name in schema_names():
        versions = [path.stem for path in released(name)]
        assert versions == [f"v{number}" for number in range(1, len(versions) + 1)]
    assert len(files) == len(VERSIONS)


@pytest.mark.parametrize(("name", "path"), VERSIONS, ids=ids)
def test_each_released_version_and_the_current_one_are_fully_compatible(name, path):
    assert incompatibilities(load_schema(name), json.loads(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("name", schema_names())
def test_released_versions_are_fully_compatible_with_their_next(name):
    schemas = [json.loads(path.read_text("utf-8")) for path in released(name)]
    assert [incompatibilities(new, old) for old, new in pairwise(schemas)] == [[]] * (
        len(schemas) - 1
    )


@pytest.mark.parametrize(("name", "path"), VERSIONS, ids=ids)
def test_bytes_of_a_released_version_are_read_by_the_current_one_and_the_reverse(name, path):
    old, current = json.loads(path.read_text("utf-8")), load_schema(name)
    for example in example_files(name):
        record = load_example(example, current)
        for writer, reader in ((old, current), (current, old)):
            written = fields_of(record, writer)
            value = Encoder(writer, 7)(written)
            decode = Decoder(reader, {7: writer}.__getitem__, BOUND)
            assert decode(value) == as_read(written, reader)


@pytest.mark.parametrize("name", schema_names())
def test_a_nullable_field_with_a_default_can_be_added_to_every_record(name):
    current = load_schema(name)
    following = {**current, "fields": [NULLABLE, *current["fields"]]}
    assert incompatibilities(following, current) == []
    for example in example_files(name):
        record = load_example(example, current)
        both = Decoder(following, {1: current, 2: following}.__getitem__, BOUND)
        assert both(Encoder(current, 1)(record)) == {**record, "country": None}
        new = Encoder(following, 2)({**record, "country": "NL"})
        assert both(new) == {**record, "country": "NL"}
        assert Decoder(current, {2: following}.__getitem__, BOUND)(new) == record


@pytest.mark.parametrize("change", COMPATIBLE, ids=lambda change: change.__name__)
def test_a_compatible_change_passes_and_its_bytes_are_read_both_ways(change):
    following = changed(change)
    record, read_by_base, read_by_following = COMPATIBLE[change]
    assert incompatibilities(following, BASE) == []
    assert _reads(BASE, following, record) == read_by_base
    assert _reads(following, BASE, RECORD) == read_by_following


@pytest.mark.parametrize("change", INCOMPATIBLE, ids=lambda change: change.__name__)
def test_an_incompatible_change_fails_and_says_why(change):
    following = changed(change)
    reasons = incompatibilities(following, BASE)
    assert reasons


def test_the_reason_names_the_field_and_both_types():
    following = changed(change_type)
    assert unreadable(following, BASE) == ["amount_minor: long is not string"]
    assert incompatibilities(following, BASE) == [
        "the new version cannot read the old: amount_minor: long is not string",
        "the old version cannot read the new: amount_minor: string is not long",
    ]


@pytest.mark.parametrize("change", [remove_without_default, change_type, rename_record])
def test_bytes_of_an_incompatible_version_are_a_dead_letter_and_not_a_guess(change):
    following = changed(change)
    record = fields_of(RECORD, following)
    if change is change_type:
        record["amount_minor"] = "4999"
    with pytest.raises(Undecodable):
        _reads(BASE, following, record)


def _reads(
    reader: dict[str, Any], writer: dict[str, Any], record: dict[str, Any]
) -> dict[str, Any]:
    return Decoder(reader, {1: writer}.__getitem__, BOUND)(Encoder(writer, 1)(record))
