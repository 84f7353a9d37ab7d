"""What learning has come to, as bytes: signed, because reading it runs what it says.

A snapshot is written in the transaction of the outcome up to which it reflects all.
"""

import pickle
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from typing import Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headrace.learning.standing import Standing
from headrace.usecase.charter import Charter

KEY: Final = "snapshot"
"""The only key of the state. Slot 0 says what the others are: parts of the bytes, in order."""
PART_BYTES: Final = 900_000
_SIGNATURE_BYTES: Final = 64
_FORMAT: Final = 1
"""To be counted up where the classes that are in a snapshot change."""


class Unfit(Exception):
    """A snapshot that cannot be gone on from, and why."""


@dataclass(slots=True)
class Snapshot:
    """Parts of the latest snapshot, by slot."""

    parts: dict[int, bytes] = field(default_factory=dict)


class SnapshotFormat:
    """How the state's value is made, copied and restored (a ``Format`` of the chassis)."""

    version = 1
    forgets = False

    def empty(self, _key: str) -> Snapshot:
        """Return a snapshot of nothing."""
        return Snapshot()

    def copy(self, value: Snapshot) -> Snapshot:
        """Return a copy that changes nothing in ``value``, nor is changed with it."""
        return Snapshot(dict(value.parts))

    def apply(self, value: Snapshot, slot: int, body: bytes) -> None:
        """Restore one part."""
        value.parts[slot] = body


class Snapshots:
    """Writes and reads the snapshots of a use case.

    Parameters
    ----------
    charter
        A snapshot made for other models or features is unfit.
    key
        Signs them; those of any other key are unfit.
    """

    def __init__(self, charter: Charter, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._made_with = {
            "format": _FORMAT,
            "learning": sha256(repr(charter.learning).encode()).hexdigest(),
            "labels": sha256(repr(charter.labels).encode()).hexdigest(),
            "worth": sha256(
                repr((charter.values, charter.review_capacity, charter.events)).encode()
            ).hexdigest(),
            "features": charter.feature_set.digest.hex(),
            "numpy": version("numpy"),
            "river": version("river"),
            "python": platform.python_version(),
        }

    def bodies(self, standing: Standing) -> list[bytes]:
        """Return the body of each slot."""
        content = pickle.dumps(standing)
        starts = range(0, len(content), PART_BYTES)
        head = {
            "made_with": self._made_with,
            "offset": standing.position,
            "parts": len(starts),
            "sha256": sha256(content).hexdigest(),
        }
        signed = orjson.dumps(head)
        parts = [content[start : start + PART_BYTES] for start in starts]
        return [self._key.sign(signed) + signed, *parts]

    def read(self, parts: Mapping[int, bytes]) -> Standing:
        """Return what a snapshot holds.

        Raises
        ------
        Unfit
            There is none, or it was not signed by the key, is not whole, or is of another version.
        """
        if 0 not in parts:
            raise Unfit("there is no snapshot")
        signature, signed = parts[0][:_SIGNATURE_BYTES], parts[0][_SIGNATURE_BYTES:]
        try:
            self._key.public_key().verify(signature, signed)
        except InvalidSignature:
            raise Unfit("the snapshot was not signed by the key of this service") from None
        head = orjson.loads(signed)
        changed = [
            name for name, value in self._made_with.items() if head["made_with"].get(name) != value
        ]
        if changed:
            raise Unfit(f"the snapshot was made with another {', '.join(changed)}")
        content = b"".join(parts.get(1 + number, b"") for number in range(head["parts"]))
        if sha256(content).hexdigest() != head["sha256"]:
            raise Unfit("the snapshot is not whole")
        standing = pickle.loads(content)  # noqa: S301 -- its digest was signed by this service
        assert isinstance(standing, Standing)  # noqa: S101 -- likewise
        return standing
