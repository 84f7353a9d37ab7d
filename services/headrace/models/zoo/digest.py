"""A digest of what a model has learned: the same for two models that will go on alike.

The bytes of a pickle are no such thing: they differ between a model and the same model restored,
by which equal values happen to be one object. So what a pickle would hold is walked, and hashed by
value: numbers, texts, arrays, the states of random generators, each object as its class and parts.
"""

import pickle
import struct
from collections.abc import Generator, Iterator
from hashlib import sha256
from itertools import chain
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final, NamedTuple

import numpy as np
from river.proba.base import Distribution

_PROTOCOL: Final = 2
_NAMED: Final = (type, FunctionType, BuiltinFunctionType)
_ATOMS: Final = (type(None), bool, int, str, bytes)
_UNORDERED: Final = (set, frozenset)
_Steps = Generator[Any, bytes, bytes]


class _Raw(NamedTuple):
    """Bytes that are hashed as they are."""

    content: bytes


def state_digest(value: Any) -> bytes:
    """Return the SHA-256 of a value's state.

    Raises
    ------
    TypeError
        A part of it cannot be pickled.
    """
    return _Walk().digest(value)


class _Walk:
    """Hashes values; each object once, however many hold it."""

    def __init__(self) -> None:
        self._done: dict[int, bytes] = {}
        self._kept: list[Any] = []  # or another object might get the id of one that is gone
        self._open: dict[int, int] = {}
        """Objects that are being walked, by how deep they are: one within itself is named by it."""

    def digest(self, value: Any) -> bytes:
        """Walk depth first, with a stack of our own: chains are longer than Python's is deep."""
        waiting, found = [self._steps(value)], b""
        while waiting:
            try:
                part = waiting[-1].send(found) if found else next(waiting[-1])
            except StopIteration as done:
                found = done.value
                waiting.pop()
            else:
                found = b""
                waiting.append(self._steps(part))
        return found

    def _steps(self, value: Any) -> _Steps:
        """Yield the parts of a value, take in their digests, and return that of the whole."""
        if isinstance(value, _ATOMS):
            return _hashed(type(value).__name__, repr(value).encode())
        if type(value) is float:
            return _hashed("float", struct.pack("<d", value))
        if isinstance(value, _NAMED):
            return _hashed("name", f"{value.__module__}.{value.__qualname__}".encode())
        place = id(value)
        if place in self._open:
            return _hashed("within", str(len(self._open) - self._open[place]).encode())
        if place not in self._done:
            self._open[place] = len(self._open)
            digests: list[bytes] = []
            for part in _parts(value):
                digest = part.content if type(part) is _Raw else (yield part)
                digests.append(digest)
            if type(value) in _UNORDERED:
                digests.sort()
            del self._open[place]
            self._done[place] = _hashed(type(value).__qualname__, *digests)
            self._kept.append(value)
        return self._done[place]


def _parts(value: Any) -> Iterator[Any]:
    """Yield what an object consists of."""
    if isinstance(value, np.ndarray):
        yield _Raw(f"{value.dtype.str} {value.shape}".encode())
        yield _Raw(np.ascontiguousarray(value).tobytes())
    elif type(value) in (list, tuple, *_UNORDERED):
        yield from value
    elif type(value) is dict:
        yield from chain.from_iterable(value.items())  # in its order: models go by it
    else:
        yield from _reduced(value)


def _reduced(value: Any) -> Iterator[Any]:
    """Yield what pickling would keep of an object."""
    try:
        reduced = value.__reduce_ex__(_PROTOCOL)
    except (TypeError, pickle.PicklingError) as error:
        raise TypeError(f"a {type(value).__qualname__} has no state: {error}") from error
    if isinstance(reduced, str):
        yield _Raw(reduced.encode())
        return
    make, arguments, state, listed, keyed = (*reduced, None, None, None)[:5]
    if isinstance(value, Distribution) and value.seed is None:
        # Each Gaussian of a splitter has a generator to draw samples with, which nothing that
        # learns or predicts does, seeded by the system: no two are the same.
        state = {name: part for name, part in value.__dict__.items() if name != "_rng"}
    yield from (make, arguments, state, *(listed or ()))
    yield from chain.from_iterable(keyed or ())


def _hashed(kind: str, *parts: bytes) -> bytes:
    """Hash parts so that no other parts give the same bytes."""
    hasher = sha256(f"{kind} {len(parts)} ".encode())
    for part in parts:
        hasher.update(struct.pack("<Q", len(part)))
        hasher.update(part)
    return hasher.digest()
