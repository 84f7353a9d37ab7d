"""Why a stream holds: it is paused, or waits for the registry."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from headrace.chassis.pauses import Pauses
from headrace.chassis.table import Followed, Table

_REFRESH_S: Final = 0.5
_REGISTRY_RETRY_S: Final = 1.0
_AWAITED: Final = "waiting for the registry"


class Holding:
    """Tells whether records may be fetched, by the topic of pauses and by what is awaited.

    Parameters
    ----------
    paused
        The topic of pauses.
    tables
        What else is followed between two batches.
    released
        What to do once somebody has released the service.
    """

    def __init__(
        self,
        service: str,
        paused: Table,
        tables: Sequence[Followed],
        released: Callable[[], None],
    ) -> None:
        self._service = service
        self._pauses = Pauses(paused, service)
        self._tables: Sequence[Followed] = (paused, *tables)
        self._released = released
        self._refreshed_at = 0.0
        self._retry_at = 0.0
        self._awaited_in: int | None = None
        """The assignment's epoch in which a record waits for the registry."""
        self.is_paused = False
        self._is_pause_unread = False
        """A pause was written of which the table does not tell yet."""

    def open(self, timeout_s: float) -> None:
        """Read the tables to their ends.

        Raises
        ------
        HeadraceError
            The end of one was not reached in time.
        """
        for table in self._tables:
            table.open(timeout_s)

    def close(self) -> None:
        """End the reading."""
        for table in self._tables:
            table.close()

    def why(self) -> str:
        """Return why nothing may be fetched, or nothing."""
        if monotonic() - self._refreshed_at > _REFRESH_S:
            self._refreshed_at = monotonic()
            for table in self._tables:
                table.refresh()
        reason = self._pauses.reason
        if self.is_paused and reason is None:
            self._released()
        self.is_paused = reason is not None
        self._is_pause_unread &= reason is None
        if reason is not None:
            return f"paused ({reason}); release it by: headrace release {self._service}"
        return _AWAITED if monotonic() < self._retry_at else ""

    def awaited(self, epoch: int) -> str:
        """Return that the registry is awaited, between two attempts too; or nothing."""
        return _AWAITED if self._awaited_in == epoch else ""

    def await_registry(self, epoch: int) -> None:
        """Hold for a moment: a record cannot be read without the registry."""
        self._retry_at = monotonic() + _REGISTRY_RETRY_S
        self._awaited_in = epoch

    def go_on(self) -> None:
        """Wait for the registry no more: nothing needs it."""
        self._awaited_in = None

    def pausing(self, reason: str | None) -> bool:
        """Note whether the batch that is being written pauses the service, and return that."""
        self._is_pause_unread = reason is not None
        return self._is_pause_unread

    def paused(self, reason: str) -> None:
        """Take the service for paused: it is committed, and may be found out late."""
        if self._is_pause_unread:  # else somebody may have released it by now
            self._pauses.expect(reason)
