"""Of which service instance something was heard when, and what it gave up lately."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self

import orjson

from headrace.alerting.causes import Cleared, Raised
from headrace.contracts.records import HeartbeatSent
from headrace.usecase.alerting import Alerting
from headrace.usecase.declared import DAY_MS

WINDOW_MS: Final = 60_000
"""Over so long a share of dead letters is taken."""
_FORGOTTEN_MS: Final = 7 * DAY_MS
_GONE: Final = "nothing was heard of it for 7 days: it does not come back"


@dataclass(slots=True)
class Instance:
    """What is known of an instance of a service."""

    started_ms: int
    heard_ms: int
    window_ms: int
    """When the window began in which its dead letters are counted."""
    records: int = 0
    """As it counted them when the window began; likewise the dead letters."""
    dead_letters: int = 0
    is_missing: bool = False


@dataclass(slots=True)
class Roll:
    """Who lives, by ``service/instance``; and the time, as records have told it so far."""

    time_ms: int = 0
    watchdog: int = 0
    """The minute, since the epoch, of the latest sign of life that people were sent."""
    heard_ms: int = 0
    """When anybody was heard of last."""
    instances: dict[str, Instance] = field(default_factory=dict)

    def copy(self) -> "Roll":
        """Return a copy that shares nothing mutable."""
        return Roll.restored(self.body())

    def body(self) -> bytes:
        """Return it as bytes."""
        return orjson.dumps(self)

    @classmethod
    def restored(cls, body: bytes) -> Self:
        """Return what :meth:`body` says."""
        values: dict[str, Any] = orjson.loads(body)
        instances = {name: Instance(**each) for name, each in values["instances"].items()}
        return cls(values["time_ms"], values["watchdog"], values["heard_ms"], instances)

    def pass_time(self, told_ms: int, now_ms: int) -> int:
        """Return the time as a record tells it: it never goes back, nor ahead of the clock."""
        self.time_ms = max(self.time_ms, min(told_ms, now_ms))
        return self.time_ms


def hear(
    roll: Roll, heartbeat: HeartbeatSent, sent_ms: int, rules: Alerting, place: str
) -> list[Raised | Cleared]:
    """Take a sign of life, and notice of whom none came.

    Silence is judged by the times of signs of life alone, in their order: who catches up with a
    day of them finds nobody missing that was not. None is older than the one before it, whatever
    the clock of its host says: a host whose clock is slow is not silent. While nobody at all was
    heard of, as without a broker, nobody in particular was silent.

    Parameters
    ----------
    sent_ms
        When it was sent, by its host's clock; not ahead of our own.
    place
        Where it stands.
    """
    name = f"{heartbeat['service']}/{heartbeat['instance']}"
    found: list[Raised | Cleared] = []
    sent_ms = max(sent_ms, roll.heard_ms)
    _forgive(roll, sent_ms, rules)
    instance = roll.instances.get(name)
    if instance is not None and instance.is_missing:
        found.append(Cleared("silence", name, None, "it was heard of again"))
    if heartbeat["state"] == "left":
        roll.instances.pop(name, None)
        found.append(Cleared("dead_letters", name, None, "it has left"))
    else:
        if instance is None or instance.started_ms != heartbeat["started_at_ms"]:
            started_ms = heartbeat["started_at_ms"]
            instance = roll.instances[name] = Instance(started_ms, sent_ms, sent_ms)
        instance.heard_ms, instance.is_missing = max(instance.heard_ms, sent_ms), False
        found += _counted(instance, name, heartbeat, rules, place)
    return [*found, *_missing(roll, sent_ms, rules, place)]


def _forgive(roll: Roll, sent_ms: int, rules: Alerting) -> None:
    """Count no time in which nobody was heard of: alerting's own signs of life lacked as well."""
    gap_ms = sent_ms - roll.heard_ms
    if gap_ms > rules.missing_after_ms // 2:
        for each in roll.instances.values():
            each.heard_ms += gap_ms
    roll.heard_ms = max(roll.heard_ms, sent_ms)


def _counted(
    instance: Instance, name: str, heartbeat: HeartbeatSent, rules: Alerting, place: str
) -> Iterator[Raised | Cleared]:
    """Yield what a window of dead letters says, once it is over."""
    if instance.heard_ms < instance.window_ms + WINDOW_MS:
        return
    records = heartbeat["records"] - instance.records
    dead = heartbeat["dead_letters"] - instance.dead_letters
    instance.window_ms = instance.heard_ms
    instance.records, instance.dead_letters = heartbeat["records"], heartbeat["dead_letters"]
    if records and dead > rules.dead_letter_share * records:
        summary = f"{name} has given up {dead:,} of {records:,} records"
        yield Raised("dead_letters", name, f"dead_letters/{name}@{place}", summary, place)
    elif records:
        share = f"{dead:,} dead letters of {records:,} records"
        yield Cleared("dead_letters", name, None, share)


def _missing(roll: Roll, sent_ms: int, rules: Alerting, place: str) -> Iterator[Raised | Cleared]:
    for name, instance in list(roll.instances.items()):
        silent_ms = sent_ms - instance.heard_ms
        if silent_ms > _FORGOTTEN_MS:
            del roll.instances[name]
            yield Cleared("silence", name, None, _GONE)
            yield Cleared("dead_letters", name, None, _GONE)
        elif silent_ms > rules.missing_after_ms and not instance.is_missing:
            instance.is_missing = True
            summary = f"nothing was heard of {name} for {silent_ms // 1_000} s"
            yield Raised("silence", name, f"silence/{name}@{place}", summary, place)
