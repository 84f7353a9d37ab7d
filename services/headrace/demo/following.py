"""Publishing in the background, and following scoring until all of it is processed."""

import threading
import time
from collections.abc import Callable, Iterator

from headrace.demo.display import Arrived, Display, Progress
from headrace.demo.seen import Seen
from headrace.errors import HeadraceError
from headrace.simulator.publisher import Published, Publisher
from headrace.simulator.sources import Source
from headrace.trials.service import Counts, ScoringProcess

_STALLED_S = 60.0
_QUIET_S = 0.5


def publish_and_follow(
    publisher: Publisher,
    source: Source,
    scoring: ScoringProcess,
    display: Display,
    arrived: Callable[[], Arrived] | None,
    every_s: float,
) -> Published:
    """Publish all of a source, and return once scoring has processed it.

    Parameters
    ----------
    arrived
        Gives what has been decided so far, where somebody watches.
    every_s
        How often scoring is asked how far it is.

    Raises
    ------
    HeadraceError
        Scoring has ended, or stands still.
    """
    stop, failures = threading.Event(), list[BaseException]()
    thread = threading.Thread(
        target=_publish, args=(publisher, source, stop, failures), daemon=True
    )
    thread.start()
    try:
        with display:
            for counts in _until_processed(publisher, scoring, thread, every_s):
                published = publisher.outcome.published
                display.show(Progress(source.records, published, *counts), arrived)
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]
    return publisher.outcome


def await_seen(seen: Seen, scoring: ScoringProcess) -> None:
    """Let a watch see the last decisions: they are committed already."""
    count, changed_at = -1, time.monotonic()
    while time.monotonic() - changed_at < _QUIET_S:
        scoring.require_alive()
        time.sleep(0.05)
        if seen.count() != count:
            count, changed_at = seen.count(), time.monotonic()


def _until_processed(
    publisher: Publisher, scoring: ScoringProcess, thread: threading.Thread, every_s: float
) -> Iterator[Counts]:
    """Yield how far scoring is, until all that was published has been processed."""
    counts, moved_at = Counts(0, 0), time.monotonic()
    while thread.is_alive() or counts.processed < publisher.outcome.published:
        time.sleep(every_s)
        now, before = time.monotonic(), counts
        counts = max(counts, scoring.counts())
        if counts > before or thread.is_alive():
            moved_at = now
        yield counts
        if now - moved_at > _STALLED_S:
            raise HeadraceError(
                f"Scoring stands still at {counts.processed:,} records"
                f" ({scoring.why_not_ready() or 'although it says that it is ready'}).",
                fix="Its log says why; see above for where that is.",
            )


def _publish(
    publisher: Publisher, source: Source, stop: threading.Event, failures: list[BaseException]
) -> None:
    try:
        publisher.run(source.publications, stop)
    except Exception as error:  # noqa: BLE001 -- the main thread raises it
        failures.append(error)
