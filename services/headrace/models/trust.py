"""The error of everything that makes a model unfit to decide."""

from headrace.errors import HeadraceError


class ModelUntrusted(HeadraceError):
    """A model that cannot be proved to be what its signer published."""


def untrusted(why: str) -> ModelUntrusted:
    """Return the error of a model that is not what somebody trusted has signed."""
    return ModelUntrusted(
        f"The model is not trusted: {why}.",
        fix="Freeze it again, and trust the public key of who signs it.",
    )
