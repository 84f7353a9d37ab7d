"""Where alerting finds its charter, and where alerts go."""

from pathlib import Path

from pydantic import Field, SecretStr

from headrace.chassis.settings import UseCaseSettings
from headrace.errors import HeadraceError


class AlertingSettings(UseCaseSettings):
    """``HEADRACE_<NAME>`` sets each."""

    webhook_url: str = ""
    """Where alerts go; nowhere but to their topic where unset."""
    webhook_secret: SecretStr = SecretStr("")
    """What deliveries are signed with."""
    webhook_secret_file: Path | None = None
    """A file that holds it, instead."""
    webhook_timeout_s: float = Field(default=5.0, gt=0)
    """How long an answer is waited for."""
    webhook_tries: int = Field(default=30, ge=1)
    """After so many in vain an alert becomes a dead letter."""
    webhook_retry_s: float = Field(default=1.0, gt=0)
    """Before the second try; each further one is waited for twice as long, five minutes at most."""
    runbooks_url: str = ""
    """Where the pages of ``docs/runbooks`` are found; they are named by their path where unset."""
    external_url: str = ""
    """Where people look further; alerts name it."""

    @property
    def secret(self) -> bytes:
        """What deliveries are signed with.

        Raises
        ------
        HeadraceError
            There is none, or its file cannot be read.
        """
        secret = self.webhook_secret.get_secret_value().encode()
        if self.webhook_secret_file is not None:
            try:
                secret = self.webhook_secret_file.read_bytes().strip()
            except OSError as error:
                raise HeadraceError(
                    f"The webhook's secret cannot be read: {error.strerror}.",
                    fix="Set HEADRACE_WEBHOOK_SECRET_FILE to a file that can be read.",
                ) from error
        if not secret:
            raise HeadraceError(
                "There is a webhook, and no secret to sign its deliveries with.",
                fix="Set HEADRACE_WEBHOOK_SECRET, or HEADRACE_WEBHOOK_SECRET_FILE.",
            )
        return secret
