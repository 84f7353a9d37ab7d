"""The error of everything that makes a model unfit to decide."""

from headrace.errors import HeadraceError


class ModelUntrusted(HeadraceError):
    """A model that cannot be proved to be what its signer published."""
