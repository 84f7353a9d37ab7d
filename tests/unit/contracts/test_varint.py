"""Integers are written as Avro says."""

from io import BytesIO

import fastavro
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headrace.contracts.varint import LONG_MAX, LONG_MIN, encode_int, encode_long

EDGES = [0, -1, 1, 63, 64, -64, -65, 8_191, 8_192, 2**20, 2**27 - 1, 2**27, 2**41 - 1, 2**41]


def by_fastavro(value: int) -> bytes:
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, "long", value)
    return buffer.getvalue()


@given(st.integers(LONG_MIN, LONG_MAX) | st.integers(-(2**14), 2**14))
@example(LONG_MIN)
@example(LONG_MAX)
def test_a_long_is_written_as_fastavro_writes_it(value):
    assert encode_long(value) == by_fastavro(value)


@pytest.mark.parametrize("value", [*EDGES, *(-edge for edge in EDGES)])
def test_the_edges_are_no_exception(value):
    assert encode_long(value) == by_fastavro(value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_more_than_64_bits_are_refused(value):
    with pytest.raises(ValueError, match="64 bits"):
        encode_long(value)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_an_int_has_32_bits(value):
    with pytest.raises(ValueError, match="32 bits"):
        encode_int(value)
    assert encode_int(2**31 - 1) == by_fastavro(2**31 - 1)


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_only_integers_are_written(value):
    with pytest.raises(TypeError):
        encode_long(value)
