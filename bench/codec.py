"""Microseconds to encode and decode one record: the contract's codec, and fastavro as it comes.

Run ``.venv/bin/python bench/codec.py``; nothing else should be running.
"""

import sys
import timeit
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import fastavro

from headrace.commands.console import print_table
from headrace.contracts.avro import without_logical_types
from headrace.contracts.codec import Decoder, Encoder
from headrace.contracts.schemas import load_schema, schema_names

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from contract.examples import example_files, load_example

CALLS = 20_000
BOUND = 1_048_576


def microseconds(call: Callable[[], object]) -> str:
    """Time the best of seven rounds: what disturbs a round only ever makes it longer."""
    return f"{min(timeit.repeat(call, number=CALLS, repeat=7)) / CALLS * 1e6:.2f}"


def measured(name: str) -> dict[str, object]:
    """Make one row, of the last of the record's examples (mostly the typical one)."""
    schema = load_schema(name)
    record = load_example(example_files(name)[-1], schema)
    plain = fastavro.parse_schema(without_logical_types(schema))
    encode, decode = Encoder(schema, 1), Decoder(schema, lambda _: schema, BOUND)
    value = encode(record)

    def fastavro_encode() -> bytes:
        buffer = BytesIO()
        fastavro.schemaless_writer(buffer, plain, record, strict=True)
        return buffer.getvalue()

    return {
        "record": name,
        "bytes": len(value),
        "encode": microseconds(lambda: encode(record)),
        "encode (fastavro)": microseconds(fastavro_encode),
        "decode": microseconds(lambda: decode(value)),
        "decode (fastavro)": microseconds(
            lambda: fastavro.schemaless_reader(BytesIO(value[5:]), plain, None)
        ),
    }


if __name__ == "__main__":
    print_table("Microseconds a record", [measured(name) for name in schema_names()])
