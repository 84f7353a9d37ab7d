"""The schedule of learning anew: a second program of learning, ``headrace run retraining``.

Consumes ``<use-case>.models`` and ``<use-case>.signals``, for what is due, and
``<use-case>.outcomes``. Produces, in one transaction, ``<use-case>.models`` and
``<use-case>.model-chunks``; beside it ``<use-case>.heartbeats``. It has no state: what is due
follows from what was published, so a restart forgets nothing. Whatever fails is tried again.
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from time import monotonic
from typing import Final

from confluent_kafka import KafkaException

from headrace.chassis.clock import now_ms
from headrace.chassis.health import Health
from headrace.chassis.heart import Heart
from headrace.chassis.metrics import Metrics
from headrace.chassis.pauses import Pauses
from headrace.chassis.service import Around, ServiceBuilder
from headrace.chassis.settings import UseCaseSettings
from headrace.chassis.table import DatedTail, Followed, Table, Tail
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.learning.retrainer import GivenUp, Retrained, Retrainer, Watch
from headrace.learning.versions import Due, History, Signals, what_is_due
from headrace.models.keys import load_key
from headrace.usecase.charter import Charter
from headrace.usecase.declared import duration_text

SERVICE: Final = "retraining"
_log = logging.getLogger("headrace.retraining")

_TICK_S: Final = 0.5
"""The longest that a stop waits while there is nothing to do."""
_LOOK_AGAIN_S: Final = 5.0
"""Where a model is due and nothing has become known: after so long it is looked again."""
_BACK_OFF_S: Final = 5.0
_BACK_OFF_MOST_S: Final = 3_600.0
_TOLD_EVERY: Final = 10_000
_TIMEOUT_S: Final = 10.0

Retrain = Callable[[Collection[str], str, Watch], Retrained]


def build(settings: UseCaseSettings, around: Around) -> "Scheduled":
    """Return the retraining service, ready to run.

    Raises
    ------
    HeadraceError
        The charter is wrong or does not say when, there is no key to sign models with, the
        registry is down, or the topics and schemas were not applied.
    """
    charter = Charter.load(settings.charter, field_names)
    learning, drift = charter.learning, charter.drift
    if learning is None or (learning.retrain_every_ms is None and not drift.retrain):
        raise HeadraceError(
            f"The charter {charter.name} does not say when its models are learned anew.",
            fix='Declare it in [learning], as in: retrain_every = "30d"',
        )
    builder = ServiceBuilder(SERVICE, charter.name, charter.events.schema, around)
    clients, key = builder.clients, load_key(settings.signing_key)
    retrainer = Retrainer(charter, clients, builder.wiring, key, now_ms)
    models, pauses, told = map(builder.channel, ("models", "pauses", "signals"))
    history, signals = History(learning.models), Signals()
    paused = Table(clients, pauses.topic, pauses.decode)
    tables: list[Followed] = [paused, Tail(clients, models.topic, models.decode, history.take)]
    if drift.retrain:
        tables.append(DatedTail(clients, told.topic, told.decode, signals.take))
    stream = around.stream
    heart = Heart(
        clients,
        builder.channel("heartbeats"),
        SERVICE,
        stream.instance,
        stream.heartbeat_every_s,
        now_ms,
    )
    return Scheduled(
        retrainer.retrain,
        history,
        signals,
        Pauses(paused, SERVICE),
        tables,
        heart,
        learning.retrain_every_ms,
        drift.cool_down_ms,
        now_ms,
    )


class Scheduled:
    """Learns anew what is due, again and again.

    Parameters
    ----------
    retrain
        Learns models anew and publishes them.
    history
        What was published.
    signals
        What has drifted; none where no drift has models learned anew.
    pauses
        Whether it may work.
    tables
        Where these stand; followed while it waits, and while it learns.
    heart
        Tells others that it works; beats while it waits, and while it learns.
    period_ms
        How long after a model was last learned anew it is due again, in milliseconds; None where
        it is for a drift only.
    cool_down_ms
        For so long after models were learned anew no drift makes any due, in milliseconds.
    now_ms
        The wall clock, in milliseconds.
    """

    def __init__(
        self,
        retrain: Retrain,
        history: History,
        signals: Signals,
        pauses: Pauses,
        tables: Sequence[Followed],
        heart: Heart,
        period_ms: int | None,
        cool_down_ms: int,
        now_ms: Callable[[], int],
    ) -> None:
        self.health = Health(SERVICE)
        self.metrics = Metrics(SERVICE)
        self._retrain = retrain
        self._history = history
        self._signals = signals
        self._pauses = pauses
        self._tables = tables
        self._heart = heart
        self._period_ms = period_ms
        self._cool_down_ms = cool_down_ms
        self._now_ms = now_ms
        self._is_open = False
        self._followed_at = 0.0
        self._not_before = 0.0
        """On the monotonic clock: nothing is tried until then."""
        self._failures = 0
        self._trouble = ""
        """Why it could not do its work when it last tried; empty where it could."""
        self._was_told = False
        """That nothing has become known."""
        self._stopping = False

    def run(self) -> None:
        """Work until stopped; what is being learned then is given up."""
        try:
            while not self._stopping:
                self.step()
                time.sleep(_TICK_S)
        finally:
            for table in self._tables:
                table.close()
            self.health.not_ready = "stopped"
            if self._stopping:  # who ends otherwise is to be missed
                self._heart.leave()

    def stop(self) -> None:
        """Ask :meth:`run` to end; safe in a signal handler."""
        self._stopping = True

    def step(self) -> None:
        """Learn anew what is due, if anything is and it may be tried now."""
        self._beat()
        if not self._is_open and monotonic() < self._not_before:
            return
        try:
            self._follow()
            if self._may_work() and monotonic() >= self._not_before:
                self._work()
        except GivenUp:
            _log.info("what was being learned is given up; nothing of it is published")
        except (HeadraceError, KafkaException, OSError) as error:
            self._trouble = f"it has failed, and is tried again: {error}"
            self._fail(str(error))
        self._say_whether_ready()

    def _beat(self) -> None:
        """Say that the loop turns, here and to whoever watches from outside."""
        self.health.beat()
        self._heart.beat()

    def _follow(self) -> None:
        """Bring what was published, and whether it is paused, up to date."""
        was_open, self._is_open = self._is_open, False  # where that fails, they are opened anew
        for table in self._tables:
            self._beat()  # opening several may take longer than silence is borne
            if not was_open:
                table.open(_TIMEOUT_S)
            table.refresh()
        self._is_open, self._followed_at = True, monotonic()
        self._say_whether_ready()

    def _say_whether_ready(self) -> None:
        reason = self._pauses.reason
        self.metrics.gauge("paused", float(reason is not None))
        if reason is not None:
            self.health.not_ready = f"paused ({reason}); release it by: headrace release {SERVICE}"
        else:
            self.health.not_ready = self._trouble

    def _may_work(self) -> bool:
        return self._pauses.reason is None and not self._stopping

    def _work(self) -> None:
        due = what_is_due(
            self._now_ms(),
            self._history.versions,
            self._period_ms,
            self._signals.latest,
            self._cool_down_ms,
        )
        self.metrics.gauge("retraining_due_timestamp_seconds", (due.at_ms or 0) / 1_000)
        if due.names:
            began = monotonic()
            done = self._retrain(due.names, self._reason(due), self._watch)
            self._take(done, monotonic() - began)
        self._trouble = ""

    def _reason(self, due: Due) -> str:
        if due.signal is not None:
            return f"a drift was noticed: {due.signal.signal_id}"
        assert self._period_ms is not None  # noqa: S101 -- else nothing is due but for a drift
        return f"it is learned anew every {duration_text(self._period_ms)}"

    def _watch(self, doing: str, at: int, end: int) -> bool:
        """Say how far it has come, and whether to go on."""
        self._beat()
        if at and at % _TOLD_EVERY == 0:
            _log.info("%s: offset %d of %d", doing, at, end)
        if monotonic() - self._followed_at > _TICK_S:
            self._follow()
        return self._may_work()

    def _take(self, done: Retrained, took_s: float) -> None:
        """Tell what came of it, and when to try again what is still due."""
        for each in done.published:
            self._history.take(each["digest"].hex(), each)  # before it comes by its topic
        if done.published:
            self._tell(done, took_s)
        if done.refused:
            self.metrics.count("models_refused", len(done.refused))
            told = [
                f"the model {name} is not published: {why}" for name, why in done.refused.items()
            ]
            self._fail("; ".join(told))
        elif done.published:
            self._failures, self._not_before = 0, 0.0
        elif done.work is None:
            self._wait(done.why_not)
        else:
            self._back_off()
            _log.info("nothing was published: %s", done.why_not)

    def _tell(self, done: Retrained, took_s: float) -> None:
        outcomes = 0 if done.work is None else done.work.standing.fold.taken
        self.metrics.count("retrainings", 1, "published")
        self.metrics.count("models_published", len(done.published))
        self.metrics.gauge("retraining_seconds", took_s)
        self.metrics.gauge("retraining_outcomes", outcomes)
        self._was_told = False
        names = ", ".join(f"{each['name']} {each['version']}" for each in done.published)
        _log.info("learned anew from %d outcomes in %.1f s: %s", outcomes, took_s, names)

    def _wait(self, why_not: str) -> None:
        """Look again before long: what is due waits for something new, not for another period."""
        if not self._was_told:
            _log.info("nothing is learned anew, and it is looked again: %s", why_not)
        self._was_told = True
        self._failures, self._not_before = 0, monotonic() + _LOOK_AGAIN_S

    def _fail(self, why: str) -> None:
        self.metrics.count("retrainings", 1, "failed")
        wait_s = self._back_off()
        _log.error("%s (failure %d; tried again in %.0f s)", why, self._failures, wait_s)

    def _back_off(self) -> float:
        wait_s = min(_BACK_OFF_S * 2.0 ** min(self._failures, 30), _BACK_OFF_MOST_S)
        self._failures += 1
        self._not_before = monotonic() + wait_s
        return wait_s
