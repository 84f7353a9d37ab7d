"""Avro's integers: zig-zag, then seven bits a byte, the lowest first.

From tables, because a loop over the bits is the largest part of encoding a record in Python.
"""

from typing import Final

LONG_MIN: Final = -(2**63)
LONG_MAX: Final = 2**63 - 1
INT_MIN: Final = -(2**31)
INT_MAX: Final = 2**31 - 1

_CHUNK_BITS: Final = 14
_CHUNKS: Final = 1 << _CHUNK_BITS
_MASK: Final = _CHUNKS - 1
_TWO_CHUNKS: Final = 1 << 2 * _CHUNK_BITS
_THREE_CHUNKS: Final = 1 << 3 * _CHUNK_BITS

SMALL: Final = tuple(
    bytes((2 * n,)) if n < 64 else bytes((2 * n & 0x7F | 0x80, n >> 6)) for n in range(_CHUNKS // 2)
)
"""The bytes of 0 to 8,191: most lengths, counts and partitions."""

_MIDDLE: Final = tuple(bytes((z & 0x7F | 0x80, z >> 7 | 0x80)) for z in range(_CHUNKS))
_LAST: Final = tuple(
    bytes((z,)) if z < 0x80 else bytes((z & 0x7F | 0x80, z >> 7)) for z in range(_CHUNKS)
)

NEAR: Final = SMALL + tuple(_LAST[~(n << 1)] for n in range(-len(SMALL), 0))
"""The bytes of -8,192 to 8,191: each stands where the integer, as an index, leads."""


def encode_long(value: int) -> bytes:
    """Encode a 64-bit integer.

    Raises
    ------
    TypeError
        It is not an int (a bool is not one here).
    ValueError
        It has more than 64 bits.
    """
    if value.__class__ is not int:
        raise TypeError(f"{value!r} is {type(value).__name__}, not int")
    if not LONG_MIN <= value <= LONG_MAX:
        raise ValueError(f"{value} has more than 64 bits")
    rest = value << 1 if value >= 0 else ~(value << 1)
    if rest < _CHUNKS:
        return _LAST[rest]
    if _TWO_CHUNKS <= rest < _THREE_CHUNKS:  # milliseconds from 1974 to 2039, unrolled
        middle = _MIDDLE[rest >> _CHUNK_BITS & _MASK]
        return _MIDDLE[rest & _MASK] + middle + _LAST[rest >> 28]
    encoded = b""
    while rest >= _CHUNKS:
        encoded += _MIDDLE[rest & _MASK]
        rest >>= _CHUNK_BITS
    return encoded + _LAST[rest]


def encode_int(value: int) -> bytes:
    """Encode a 32-bit integer; raises as `encode_long` does."""
    encoded = encode_long(value)
    if not INT_MIN <= value <= INT_MAX:
        raise ValueError(f"{value} has more than 32 bits")
    return encoded
