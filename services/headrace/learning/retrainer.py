"""Learning anew, from the outcomes in their topic to models in theirs: for once, or as scheduled.

Two that do so at once publish one version, not two: before it publishes, each takes the one
transactional id that the use case has for that. This ends whoever had it, and only then is it
looked at what was published meanwhile.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headrace.chassis.clients import Clients
from headrace.chassis.produce import Fenced, produce_fenced
from headrace.chassis.reading import end_of, records_of
from headrace.chassis.transactor import ToProduce
from headrace.chassis.wiring import Wiring
from headrace.contracts.codec import Undecodable
from headrace.contracts.records import ModelPublished
from headrace.learning.app import past
from headrace.learning.publishing import Publishing
from headrace.learning.retraining import Retraining, narrowed
from headrace.learning.shelving import to_produce
from headrace.learning.versions import retrained_until, version_of
from headrace.models.publication import Publication
from headrace.usecase.charter import Charter

_TIMEOUT_S: Final = 10.0
"""Of a silent broker; a stop may have to wait for as long."""

Watch = Callable[[str, int, int], bool]
"""Takes what is being done, the offset that was reached and the end; says whether to go on."""


class GivenUp(Exception):
    """Whoever watches does not want it any more: nothing was published."""


class Retrained(NamedTuple):
    """What came of going through the outcomes once more."""

    work: Retraining | None
    """What was learned; None where it was not begun."""
    published: list[ModelPublished]
    refused: Mapping[str, str]
    """By model, why it must not be published."""
    why_not: str
    """Why nothing was published, if there was no need; else empty."""


class Retrainer:
    """Reads all outcomes of a use case, learns from them, and publishes what came of it.

    Parameters
    ----------
    charter
        Declares ``[learning]``.
    key
        Signs the models.
    now_ms
        The wall clock, in milliseconds.
    """

    def __init__(
        self,
        charter: Charter,
        clients: Clients,
        wiring: Wiring,
        key: Ed25519PrivateKey,
        now_ms: Callable[[], int],
    ) -> None:
        self._charter = charter
        self._clients = clients
        self._key = key
        self._now_ms = now_ms
        self._outcomes = wiring.channel(f"{charter.name}.outcomes")
        self._models = wiring.channel(f"{charter.name}.models")
        self._chunks = wiring.channel(f"{charter.name}.model-chunks")

    def retrain(self, names: Collection[str] | None, reason: str, watch: Watch) -> Retrained:
        """Learn some models anew and publish them, unless nothing has become known since the last.

        Parameters
        ----------
        names
            The models'; None for all that the charter declares.
        reason
            Why; it is signed with them.
        watch
            Called after each outcome, and now and then while waiting for some.

        Raises
        ------
        GivenUp
            ``watch`` has said so.
        HeadraceError
            The charter declares no such model; or broker or registry do not answer, or refuse.
        """
        charter = narrowed(self._charter, names)
        assert charter.learning is not None  # noqa: S101 -- narrowed has looked
        wanted = set(charter.learning.models if names is None else names)
        end = end_of(self._clients, self._outcomes.topic, _TIMEOUT_S)
        if why_not := self._why_not(wanted, end, watch):
            return Retrained(None, [], {}, why_not)
        work = Retraining(charter)
        self._go_through(range(end), "reading what is known", work.look, watch)
        self._go_through(range(end), "learning", work.learn, watch)
        if not work.standing.fold.taken:
            return Retrained(work, [], {}, "there is nothing that can be learned from")
        release = Publishing(charter, self._key, self._now_ms).release(
            work.standing, is_retrained=True, reason=reason
        )
        refused = {name: why for name, why in release.refused.items() if name in wanted}
        made = {name: each for name, each in release.published.items() if name in wanted}
        published = self._publish(made, work.until, lambda: watch("publishing", end, end))
        why_not = "" if published or refused else "somebody else has just published the same"
        return Retrained(work, published, refused, why_not)

    def _why_not(self, names: set[str], end: int, watch: Watch) -> str:
        """Return why there is nothing to be learned; empty where there is."""
        until = self._retrained_until()
        begin = min(until.get(name, 0) for name in names)
        if self._is_any(range(begin, end), watch):
            return ""
        if begin:
            return "nothing has become known since the last time"
        return "nothing has become known yet; labelling says what has"

    def _is_any(self, span: range, watch: Watch) -> bool:
        """Tell whether there is an outcome in a span of offsets; markers take some too."""
        for batch in past(self._clients, self._outcomes, span, _TIMEOUT_S):
            if batch:
                return True
            if not watch("looking for what is new", span.start, span.stop):
                raise GivenUp
        return False

    def _go_through(
        self,
        span: range,
        doing: str,
        take: Callable[[Mapping[str, Any], int], None],
        watch: Watch,
    ) -> None:
        """Take the outcomes of a span of offsets."""
        at = span.start
        for batch in past(self._clients, self._outcomes, span, _TIMEOUT_S):
            if not watch(doing, at, span.stop):
                raise GivenUp
            for offset, record in batch:
                take(record, offset)
                at = offset + 1
                if not watch(doing, at, span.stop):
                    raise GivenUp

    def _publish(
        self, made: Mapping[str, Publication], until: int, go_on: Callable[[], bool]
    ) -> list[ModelPublished]:
        """Publish models in one transaction, but those that somebody else has published by now."""
        fresh: list[Publication] = []

        def records() -> list[ToProduce]:
            others = self._retrained_until()
            if not go_on():
                raise GivenUp
            fresh.extend(each for name, each in made.items() if others.get(name, 0) < until)
            return to_produce(fresh, self._models, self._chunks) if fresh else []

        name = f"{self._charter.name}.retraining"
        try:
            produce_fenced(self._clients, name, records, _TIMEOUT_S, go_on)
        except Fenced:
            return []
        return [each.model[1] for each in fresh]

    def _retrained_until(self) -> dict[str, int]:
        versions = []
        for message in records_of(self._clients, self._models.topic, _TIMEOUT_S):
            try:
                versions.append(version_of(self._models.decode(message.value())))
            except Undecodable:
                continue  # what nobody can read is no version
        history = [each for each in versions if each is not None]
        return retrained_until(history, self._charter.digest.hex())
