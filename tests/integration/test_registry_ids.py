"""The ids on which every record rests: one mode for looking up, registering and reading."""

import socket
from collections.abc import Iterator

import pytest

from contract.examples import example_files, load_example
from headrace.contracts.codec import Decoder, Encoder
from headrace.contracts.registry import Registry, RegistrySettings, RegistryUnavailable
from headrace.contracts.schemas import load_schema, schema_names
from headrace.local.programs import Programs
from headrace.local.registry import SchemaRegistry
from headrace.local.settings import LocalSettings

pytestmark = pytest.mark.integration


@pytest.fixture
def own_registry(tmp_path) -> Iterator[SchemaRegistry]:
    """A registry of the test's own, so that it can be stopped."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    programs = Programs(LocalSettings().jars)
    programs.fetch()
    own = SchemaRegistry(
        tmp_path / "registry", tmp_path / "registry.log", programs.registry, port=port
    )
    try:
        own.start()
        own.wait_ready()
        yield own
    finally:
        own.process.stop()


def registry(own: SchemaRegistry) -> Registry:
    return Registry(RegistrySettings(url=own.address))


def test_ids_mean_the_same_in_every_call_and_after_a_restart(own_registry):
    before = registry(own_registry)
    ids = {name: before.register(f"{name}-value", load_schema(name)) for name in schema_names()}
    assert len(set(ids.values())) == len(ids)
    values = {}
    for name, schema_id in ids.items():
        schema = load_schema(name)
        assert before.schema_id(f"{name}-value", schema) == schema_id
        # The same schema under another subject keeps its id, whichever was registered first.
        assert before.register(f"other-{name}-value", schema) == schema_id
        assert before.schema_id(f"other-{name}-value", schema) == schema_id
        values[name] = Encoder(schema, schema_id)(load_example(example_files(name)[-1], schema))

    own_registry.process.stop()
    with pytest.raises(RegistryUnavailable):
        registry(own_registry).writer(ids["platform/DecisionMade"])
    own_registry.start()
    own_registry.wait_ready()

    after = registry(own_registry)
    for name, schema_id in ids.items():
        schema = load_schema(name)
        assert after.schema_id(f"{name}-value", schema) == schema_id
        assert after.schema_id(f"other-{name}-value", schema) == schema_id
        assert after.register(f"third-{name}-value", schema) == schema_id
        record = load_example(example_files(name)[-1], schema)
        assert Decoder(schema, after.writer, 1_048_576)(values[name]) == record
    # What was found before it went away was kept, so a running service never notices.
    assert all(before.writer(schema_id) for schema_id in ids.values())


def test_a_registry_that_goes_away_is_survived_by_what_was_found(own_registry):
    asked = registry(own_registry)
    schema = load_schema("platform/DecisionMade")
    schema_id = asked.register("decisions-value", schema)
    decode = Decoder(schema, asked.writer, 1_048_576)
    record = load_example(example_files("platform/DecisionMade")[-1], schema)
    value = Encoder(schema, schema_id)(record)
    assert decode(value) == record
    own_registry.process.stop()
    assert decode(value) == record
    assert asked.writer(schema_id)
    with pytest.raises(RegistryUnavailable):
        decode(b"\x00\x00\x00\x27\x0f" + value[5:])
