"""The model that serves: the one that was published and named last, or the one before it.

Nothing here waits for Kafka while batches are decided: a model is fetched, verified and built in
a thread beside, and taken over between two batches.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from time import monotonic
from typing import Final, Literal, NamedTuple, Protocol

from headrace.chassis.beside import Answer, Call
from headrace.chassis.metrics import Metrics
from headrace.chassis.table import Followed
from headrace.contracts.records import ModelAudited
from headrace.errors import HeadraceError
from headrace.models.choice import Serving, to_serve
from headrace.models.frozen import FrozenModel
from headrace.models.trust import ModelUntrusted
from headrace.scoring.recording import RULES, SERVICE

_log = logging.getLogger("headrace.served")

_AGAIN_S: Final = 15.0
_AUDIT_AGAIN_S: Final = 2.0
_CLOSE_S: Final = 5.0


class Servings(Followed, Protocol):
    """The topic of what is to serve, by role."""

    @property
    def records(self) -> Mapping[str, Serving]:
        """The latest of each role."""


class Begin(Protocol):
    """Makes calls beside other work (see :class:`headrace.chassis.beside.Beside`)."""

    def begin(self, call: Call) -> Answer:
        """Have a call made."""


class _Looked(NamedTuple):
    """What came of looking at what is to serve."""

    serving: Serving
    model: FrozenModel | None
    why_not: str
    is_passing: bool
    """It may be another time: it could not be read, so nothing is known of the model."""


class ServedModel:
    """Follows what is to serve (one of a stream's ``tables``).

    Parameters
    ----------
    servings
        Says what is to serve.
    first
        Serves until something is published; None where the charter's rules decide.
    to_serve
        Returns the model that a ``ServingChanged`` names, all of it verified, or raises.
    audit
        Writes what was done, and returns once it is written.
    beside
        Makes both calls.
    instance
        Names this one of the service.
    now_ms
        The wall clock, in milliseconds.
    """

    def __init__(
        self,
        servings: Servings,
        first: FrozenModel | None,
        to_serve: Callable[[Serving], FrozenModel],
        audit: Callable[[ModelAudited], None],
        beside: Begin,
        metrics: Metrics,
        instance: str,
        now_ms: Callable[[], int],
    ) -> None:
        self.model = first
        """What serves; it changes in :meth:`refresh` only."""
        self._servings = servings
        self._to_serve = to_serve
        self._audit = audit
        self._beside = beside
        self._metrics = metrics
        self._instance = instance
        self._now_ms = now_ms
        self._underway: Answer | None = None
        self._looked: _Looked | None = None
        self._looked_at: Serving | None = None
        self._refused: Serving | None = None
        self._again_at: float | None = None
        """When to look again at what could not be read."""
        self._audits: deque[ModelAudited] = deque()
        """What was done, and is not written yet."""
        self._audit_at = 0.0

    def open(self, timeout_s: float) -> None:
        """Take what is to serve over, where it is there in time.

        Raises
        ------
        HeadraceError
            The topic that says so cannot be read.
        """
        self._servings.open(timeout_s)
        self.refresh()
        self._await(timeout_s)
        self.refresh()

    def refresh(self) -> None:
        """Take over what has been prepared, and begin what is next; waits for nothing."""
        self._servings.refresh()
        if not self._has_ended():
            return
        serving = to_serve(self._servings.records)
        if serving is not None and (serving is not self._looked_at or self._is_to_look_again()):
            self._looked_at, self._again_at = serving, None
            self._underway = self._beside.begin(lambda: self._look_at(serving))
        elif self._audits and monotonic() >= self._audit_at:
            self._underway = self._beside.begin(self._write_audits)

    def close(self) -> None:
        """Write what is not written yet, if that can be done soon."""
        self._await(_CLOSE_S)
        if self._has_ended() and self._audits:
            self._underway = self._beside.begin(self._write_audits)
            self._await(_CLOSE_S)
        for audit in self._audits:
            _log.error("not written to the audits of models: %s", audit)
        self._servings.close()

    def _await(self, timeout_s: float) -> None:
        if self._underway is not None:
            wait([self._underway], timeout_s)

    def _has_ended(self) -> bool:
        """Return whether nothing is under way (any more); take what has come of it."""
        if self._underway is None:
            return True
        if not self._underway.done():
            return False
        error, self._underway = self._underway.exception(), None
        if error is not None:
            _log.warning("not yet written to the audits of models: %s", error)
            self._audit_at = monotonic() + _AUDIT_AGAIN_S
        looked, self._looked = self._looked, None
        if looked is not None:
            self._take(looked)
        return True

    def _is_to_look_again(self) -> bool:
        return self._again_at is not None and monotonic() >= self._again_at

    def _take(self, looked: _Looked) -> None:
        serving = looked.serving
        named = f"{serving['name']} {serving['version']} ({serving['digest'].hex()[:16]})"
        if looked.model is not None:
            self.model = looked.model
            self._metrics.count("models_swapped")
            _log.info("the model %s serves", named)
            self._told(serving, "served", serving["reason"])
        elif not (looked.is_passing and serving is self._refused):  # else it is told already
            self._refused = serving
            self._metrics.count("models_refused")
            _log.error("the model %s is refused: %s", named, looked.why_not)
            self._told(serving, "refused", looked.why_not)
        if looked.is_passing:
            self._again_at = monotonic() + _AGAIN_S

    def _told(self, serving: Serving, verdict: Literal["served", "refused"], reason: str) -> None:
        self._audits.append(
            ModelAudited(
                service=SERVICE,
                instance=self._instance,
                digest=serving["digest"],
                name=serving["name"],
                version=serving["version"],
                verdict=verdict,
                reason=reason,
                serving_digest=RULES.digest if self.model is None else self.model.digest,
                audited_at_ms=self._now_ms(),
            )
        )

    def _look_at(self, serving: Serving) -> None:
        """Fetch, verify and build a model; not in the thread of the batches."""
        try:
            self._looked = _Looked(serving, self._to_serve(serving), "", is_passing=False)
        except ModelUntrusted as error:
            self._looked = _Looked(serving, None, str(error), is_passing=False)
        except HeadraceError as error:
            self._looked = _Looked(serving, None, str(error), is_passing=True)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with it, the last one serves
            why_not = f"{type(error).__name__}: {error}"
            self._looked = _Looked(serving, None, why_not, is_passing=False)

    def _write_audits(self) -> None:
        """Write what was done; what fails stays, for a later time."""
        while self._audits:
            self._audit(self._audits[0])
            self._audits.popleft()
