"""A digest of what a model has learned: the same for two models that will go on alike.

The bytes of a pickle are no such thing: they differ between a model and the same model restored,
by which equal values happen to be one object. So what a pickle would hold is walked, and hashed by
value: numbers, texts, arrays, the states of random generators, each object as its class and parts.
"""

import pickle
import struct
from collections.abc import Iterator
from hashlib import sha256
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final

import numpy as np
from river.proba.base import Distribution

_PROTOCOL: Final = 2
_NAMED: Final = (type, FunctionType, BuiltinFunctionType)
_ATOMS: Final = (type(None), bool, int, str, bytes)


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
        if isinstance(value, _ATOMS):
            return _hashed(type(value).__name__, repr(value).encode())
        if type(value) is float:
            return _hashed("float", struct.pack("<d", value))
        if isinstance(value, _NAMED):
            return _hashed("name", f"{value.__module__}.{value.__qualname__}".encode())
        return self._object(value)

    def _object(self, value: Any) -> bytes:
        place = id(value)
        if place in self._open:
            return _hashed("within", str(len(self._open) - self._open[place]).encode())
        if place not in self._done:
            self._open[place] = len(self._open)
            digest = _hashed(type(value).__qualname__, *self._parts(value))
            del self._open[place]
            self._done[place] = digest
            self._kept.append(value)
        return self._done[place]

    def _parts(self, value: Any) -> Iterator[bytes]:
        if isinstance(value, np.ndarray):
            yield f"{value.dtype.str} {value.shape}".encode()
            yield np.ascontiguousarray(value).tobytes()
        elif type(value) in (list, tuple):
            yield from map(self.digest, value)
        elif type(value) in (set, frozenset):
            yield from sorted(map(self.digest, value))
        elif type(value) is dict:
            yield from self._items(value)
        else:
            yield from self._reduced(value)

    def _items(self, items: dict[Any, Any]) -> Iterator[bytes]:
        """Walk a dict in its order: models go by it."""
        for key, item in items.items():
            yield self.digest(key)
            yield self.digest(item)

    def _reduced(self, value: Any) -> Iterator[bytes]:
        """Walk what pickling would keep of an object."""
        try:
            reduced = value.__reduce_ex__(_PROTOCOL)
        except (TypeError, pickle.PicklingError) as error:
            raise TypeError(f"a {type(value).__qualname__} has no state: {error}") from error
        if isinstance(reduced, str):
            yield reduced.encode()
            return
        make, arguments, state, listed, keyed = (*reduced, None, None, None)[:5]
        if isinstance(value, Distribution) and value.seed is None:
            # Each Gaussian of a splitter has a generator to draw samples with, which nothing that
            # learns or predicts does, seeded by the system: no two are the same.
            state = {name: part for name, part in value.__dict__.items() if name != "_rng"}
        for part in (make, arguments, state):
            yield self.digest(part)
        yield from map(self.digest, listed or ())
        yield from self._items(dict(keyed or ()))


def _hashed(kind: str, *parts: bytes) -> bytes:
    """Hash parts so that no other parts give the same bytes."""
    hasher = sha256(f"{kind} {len(parts)} ".encode())
    for part in parts:
        hasher.update(struct.pack("<Q", len(part)))
        hasher.update(part)
    return hasher.digest()
