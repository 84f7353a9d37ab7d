"""Avro's integers: zig-zag, then seven bits a byte, the lowest first."""

from typing import Any, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

LONG_MIN: Final = -(2**63)
LONG_MAX: Final = 2**63 - 1
INT_MIN: Final = -(2**31)
INT_MAX: Final = 2**31 - 1

_LOW_BITS: Final = 0x7F
_MORE: Final = 0x80
"""The bit of a byte that says that another follows."""
# A 64-bit integer that is shifted right keeps its sign; these take away what that brings in.
_63_BITS: Final = 0x7FFF_FFFF_FFFF_FFFF
_57_BITS: Final = 0x01FF_FFFF_FFFF_FFFF
_LAST_SHIFT: Final = 63
_NEAR: Final = 2**60
"""Compiled, such integers are no objects, and so compared at once."""


class Damaged(ValueError):
    """The bytes are not what a writer of the schema writes."""


class Source:
    """Bytes, and how far they have been read."""

    def __init__(self, data: bytes, at: i64) -> None:
        self.data = data
        self.at = at


def read_unsigned(source: Source) -> i64:
    """Read the next integer as it stands, still zig-zag; its 64 bits may look negative.

    Raises
    ------
    IndexError
        The bytes end before it does.
    Damaged
        It has more than 64 bits.
    """
    data, at = source.data, source.at
    byte: i64 = data[at]
    at += 1
    value: i64 = byte & _LOW_BITS
    shift: i64 = 7
    while byte & _MORE:
        byte = data[at]
        at += 1
        if shift == _LAST_SHIFT and byte > 1:
            raise Damaged("an integer has more than 64 bits")
        value |= (byte & _LOW_BITS) << shift
        shift += 7
    source.at = at
    return value


def read_long(source: Source) -> i64:
    """Read the next 64-bit integer; raises as `read_unsigned` does."""
    value = read_unsigned(source)
    half: i64 = value >> 1
    if half < 0:
        half &= _63_BITS
    return half ^ -(value & 1)


def write_long(out: BytesWriter, value: i64) -> None:
    """Write a 64-bit integer."""
    rest: i64 = value << 1 ^ value >> 63
    while rest & ~_LOW_BITS:
        out.append(rest & _LOW_BITS | _MORE)
        rest = rest >> 7 & _57_BITS
    out.append(rest)


def checked_long(value: Any) -> i64:
    """Return a value that is a 64-bit integer.

    Raises
    ------
    TypeError
        It is not an int (a bool is not one here).
    ValueError
        It has more than 64 bits.
    """
    if type(value) is not int:
        raise TypeError(f"{value!r} is {type(value).__name__}, not int")
    if -_NEAR <= value <= _NEAR:
        return value
    if not LONG_MIN <= value <= LONG_MAX:
        raise ValueError(f"{value} has more than 64 bits")
    return value


def checked_int(value: Any) -> i64:
    """Return a value that is a 32-bit integer; raises as `checked_long` does."""
    checked = checked_long(value)
    if not INT_MIN <= checked <= INT_MAX:
        raise ValueError(f"{value} has more than 32 bits")
    return checked


def encode_long(value: Any) -> bytes:
    """Encode a 64-bit integer; raises as `checked_long` does."""
    out = BytesWriter()
    write_long(out, checked_long(value))
    return out.getvalue()


def encode_int(value: Any) -> bytes:
    """Encode a 32-bit integer; raises as `checked_int` does."""
    out = BytesWriter()
    write_long(out, checked_int(value))
    return out.getvalue()
