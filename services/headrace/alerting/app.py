"""Wiring the alerting service: what it reads, what it remembers, what it does."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from headrace.alerting.causes import CAUSES
from headrace.alerting.domain import UnknownIncident, pass_time
from headrace.alerting.payload import Payloads
from headrace.alerting.recording import (
    MINUTE_MS,
)
from headrace.alerting.settings import AlertingSettings
from headrace.alerting.state import AlertingFormat, Held, State
from headrace.alerting.taking import Take, Taking
from headrace.alerting.webhook import Webhook
from headrace.alerting.writing import Told, Writer
from headrace.chassis.clock import now_ms
from headrace.chassis.forwarding import Forwarder, Patience
from headrace.chassis.records import Handled, Received, Rejected
from headrace.chassis.service import Around, ServiceBuilder
from headrace.chassis.stages import StageClock
from headrace.chassis.state import View
from headrace.chassis.stream import Stream
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.usecase.charter import Charter

SERVICE: Final = "alerting"
_HEARTBEATS_IN_SILENCE: Final = 3
_log = logging.getLogger("headrace.alerting")


def build(settings: AlertingSettings, around: Around) -> Stream[State]:
    """Return the alerting service, ready to run.

    Raises
    ------
    HeadraceError
        The charter is wrong, or silence could not be told from the time between two signs of life;
        the webhook has no secret, the registry is down, or the topics and schemas were not applied.
    """
    charter = Charter.load(settings.charter, field_names)
    _require_silence_is_heard(charter.alerting.missing_after_ms, around.stream.heartbeat_every_s)
    builder = ServiceBuilder(SERVICE, charter.name, charter.events.schema, around)
    payloads = Payloads(charter.name, charter.owner, settings.runbooks_url, settings.external_url)
    writer = Writer(charter, payloads, builder.channel("incidents"), builder.channel("alerts"))
    takes = Taking(charter.alerting).inputs
    return builder.stream(
        AlertingFormat(),
        [builder.input(plural) for plural in takes],
        [Alerter(charter, plural, take, writer, now_ms) for plural, take in takes.items()],
        _forwarders(settings, charter, builder),
    )


def _require_silence_is_heard(missing_after_ms: int, heartbeat_every_s: float) -> None:
    """Raise HeadraceError where signs of life are too rare to miss one of them.

    What nobody sends for half of ``missing_after`` is an outage of the broker (:func:`.hear`).
    """
    if missing_after_ms < _HEARTBEATS_IN_SILENCE * heartbeat_every_s * 1_000:
        raise HeadraceError(
            f"A service is missed after {missing_after_ms / 1_000:g} s, but gives a sign of life "
            f"every {heartbeat_every_s:g} s: its silence could not be told.",
            fix=f"Let missing_after in [alerting] be {_HEARTBEATS_IN_SILENCE} times as long as "
            "HEADRACE_HEARTBEAT_EVERY_S, at least.",
        )


def _forwarders(
    settings: AlertingSettings, charter: Charter, builder: ServiceBuilder
) -> Sequence[Forwarder]:
    """Return what delivers alerts, if there is anybody to deliver them to."""
    alerts = builder.channel("alerts")
    if not settings.webhook_url:
        _log.warning("no HEADRACE_WEBHOOK_URL is set: alerts go to %s only", alerts.topic)
        return ()
    webhook = Webhook(
        settings.webhook_url, settings.secret, settings.webhook_timeout_s, builder.around.telemetry
    )
    forwarder = Forwarder(
        builder.clients,
        SERVICE,
        f"{charter.name}.{SERVICE}.delivery",
        alerts,
        builder.channel("alerts.dlq"),
        webhook,
        Patience(settings.webhook_tries, settings.webhook_retry_s),
        builder.around.stream.session_timeout_ms,
        builder.metrics,
    )
    return (forwarder,)


class Alerter:
    """The stream's handler of one of the inputs.

    Parameters
    ----------
    plural
        The input, as its topic ends.
    now_ms
        The wall clock, in milliseconds: no record's time is taken for later than that.
    """

    def __init__(
        self,
        charter: Charter,
        plural: str,
        take: Take,
        writer: Writer,
        now_ms: Callable[[], int],
    ) -> None:
        self._rules = charter.alerting
        self._plural = plural
        self._take = take
        self._writer = writer
        self._now_ms = now_ms

    def __call__(
        self, received: Sequence[Received], view: View[State], stages: StageClock
    ) -> Handled:
        """Return what has become of incidents, and what people are told."""
        held, told = Held(view), Told([], [])
        handled = Handled([], [], Counter())
        for each in received:
            time_ms = held.roll.pass_time(each.timestamp_ms, self._now_ms())
            for cause in CAUSES:
                due = pass_time(held.incidents[cause], self._rules, time_ms)
                told.changes.extend((change, None) for change in due)
            place = f"{self._plural}-{each.partition}-{each.offset}"
            try:
                took = self._take(held, each, place, time_ms)
            except UnknownIncident as error:
                handled.rejected.append(Rejected(each, "invalid_value", str(error)))
                continue
            told.changes.extend((change, each.trace) for change in took.changes)
            if took.watchdog is not None and self._is_fresh(took.watchdog):
                told.watchdogs.append(took.watchdog)
        if received:
            held.write(received[-1].offset)
        stages.enter("encode")
        self._writer.write(told, handled)
        return handled

    def _is_fresh(self, minute: int) -> bool:
        """Whether it is about now: who catches up has been missed already."""
        return self._now_ms() < (minute + 2) * MINUTE_MS
