"""The errors that a person can act on: what is wrong, and what to do about it."""


class HeadraceError(Exception):
    """Something a person has to mend; ``fix`` says how, in one sentence."""

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        """Both sentences, for logs and tracebacks."""
        return f"{self.message} {self.fix}".strip()
