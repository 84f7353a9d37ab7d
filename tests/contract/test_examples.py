"""Every record has examples, and every example is a record."""

import fastavro
import pytest

from contract.examples import EXAMPLES, example_files, load_example, record_name
from headrace.contracts.codec import AnyDecoder, Decoder, Encoder
from headrace.contracts.schemas import load_schema, schema_names


@pytest.mark.parametrize("path", example_files(), ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_an_example_comes_back_from_its_bytes_as_it_was(path):
    schema = load_schema(record_name(path))
    record = load_example(path, schema)
    value = Encoder(schema, 7)(record)
    assert Decoder(schema, lambda _: schema, 1_048_576)(value) == record
    assert AnyDecoder(lambda _: schema, 1_048_576)(value) == record


@pytest.mark.parametrize("path", example_files(), ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_an_example_has_every_field_and_fits_its_schema(path):
    schema = load_schema(record_name(path))
    assert fastavro.validate(load_example(path, schema), schema, strict=True)


@pytest.mark.parametrize("name", schema_names())
def test_every_schema_has_examples(name):
    assert example_files(name), f"add schemas/examples/{name}/<what it shows>.json"


def test_no_example_is_of_a_record_that_is_gone():
    folders = {path.parent.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.*")}
    assert folders == set(schema_names())
    assert all(path.suffix == ".json" for path in EXAMPLES.rglob("*.*"))


@pytest.mark.parametrize("name", schema_names())
def test_the_examples_together_use_every_nullable_field_both_ways(name):
    schema = load_schema(name)
    examples = [load_example(path, schema) for path in example_files(name)]
    for field in schema["fields"]:
        if isinstance(field["type"], list):
            given = {example[field["name"]] is None for example in examples}
            assert given == {True, False}, field["name"]
