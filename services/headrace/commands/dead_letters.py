"""``headrace dead-letters list|show|replay``: what could not be decided, and trying again."""

import getpass
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from headrace.chassis.clock import now_ms
from headrace.commands.console import errors, print_json, print_table, progress, results
from headrace.commands.desk import Desk
from headrace.commands.letter_lines import described
from headrace.contracts.codec import Undecodable
from headrace.contracts.reasons import DeadLetterReason
from headrace.errors import HeadraceError
from headrace.explaining import words
from headrace.explaining.letters import Letter, heap_of
from headrace.explaining.records import Place, parse_place
from headrace.explaining.replaying import Order, Replayer
from headrace.usecase.problems import unknown

_HOUR_S: Final = 3_600


def list_(
    *,
    charter: Path | None = None,
    reason: str | None = None,
    limit: int = 20,
    json: bool = False,
    timeout_s: float = 30.0,
) -> None:
    """List dead letters: how many by reason, how old, and the latest of them.

    Parameters
    ----------
    charter
        The use case's charter; the shipped one where not given.
    reason
        Only those of this reason.
    limit
        How many of the latest to show; they are counted all.
    json
        Print one JSON document.
    timeout_s
        How long to wait for an open transaction, and for any answer of the broker.
    """
    _require_known(reason)
    desk = Desk.open(charter, timeout_s)
    heap = heap_of(desk.letters(), desk.replays(), reason, max(limit, 0))
    oldest_age_s = _age_s(heap.oldest_at_ms)
    if json:
        print_json(
            {
                "topic": desk.dead_letters,
                "depth": heap.depth,
                "oldest_at_ms": heap.oldest_at_ms,
                "oldest_age_s": oldest_age_s,
                "reasons": dict(heap.reasons.most_common()),
                "rows": heap.rows,
            }
        )
        return
    age = "" if oldest_age_s is None else f", the oldest {_duration(oldest_age_s)} old"
    _print(f"{heap.depth:,} dead letters in {desk.dead_letters}{age}")
    if heap.depth:
        counts = heap.reasons.most_common()
        print_table("By reason", [{"reason": name, "count": count} for name, count in counts])
        print_table(f"The latest {len(heap.rows)}", [_row(row) for row in heap.rows])


def show(
    place: str, *, charter: Path | None = None, json: bool = False, timeout_s: float = 30.0
) -> None:
    """Show one dead letter: why, from where, the event as far as it is readable, the raw bytes.

    Parameters
    ----------
    place
        Its PARTITION:OFFSET in the topic of dead letters.
    charter
        The use case's charter; the shipped one where not given.
    json
        Print one JSON document.
    timeout_s
        How long to wait for any answer of the broker.
    """
    at = parse_place(place)
    desk = Desk.open(charter, timeout_s)
    letter = desk.letter(at)
    event, undecodable = _event(desk, letter)
    replays = desk.replays().get(at, [])
    if json:
        print_json(
            {
                "partition": at.partition,
                "offset": at.offset,
                "letter": letter.record,
                "whole": letter.is_whole,
                "event": event,
                "undecodable": undecodable,
                "replays": replays,
            }
        )
        return
    for line in described(desk.dead_letters, letter, event, undecodable, replays):
        _print(line)


def replay(
    *places: str,
    reason: str | None = None,
    because: str = "replayed by hand",
    dry_run: bool = False,
    yes: bool = False,
    charter: Path | None = None,
    json: bool = False,
    timeout_s: float = 30.0,
) -> None:
    """Publish dead letters' records again, as they were; each replay is written down.

    An event that is valid now is decided once; one that was decided before is a duplicate.

    Parameters
    ----------
    places
        Dead letters by PARTITION:OFFSET.
    reason
        In place of them: all with this reason that have not been replayed yet.
    because
        Why; it is kept beside your name.
    dry_run
        Show what would be replayed, and do nothing.
    yes
        Do not ask.
    charter
        The use case's charter; the shipped one where not given.
    json
        Print what was replayed as JSON.
    timeout_s
        How long to wait for an open transaction, and for any answer of the broker.
    """
    if bool(places) == (reason is not None):
        raise HeadraceError(
            "Which dead letters?", fix="Name some by PARTITION:OFFSET, or all by --reason."
        )
    _require_known(reason)
    wanted = list(dict.fromkeys(map(parse_place, places)))
    desk = Desk.open(charter, timeout_s)
    letters = _chosen(desk, wanted, reason)
    if not dry_run and letters and _is_agreed(letters, desk, yes=yes):
        channel = desk.wiring.channel(f"{desk.charter.name}.replays")
        order = Order(getpass.getuser(), because, now_ms())
        replayer = Replayer(desk.clients, desk.charter.name, desk.dead_letters, channel)
        done = replayer.replay((desk.letter(each) for each in letters), order)
        _tell([dict(each) for each in done], json=json)
    elif json:
        print_json([{"partition": each.partition, "offset": each.offset} for each in letters])
    else:
        for each in letters:
            _print(f"{desk.dead_letters} {each} would be replayed")
        _print(f"{len(letters):,} dead letters, nothing was replayed")


def _chosen(desk: Desk, wanted: Sequence[Place], reason: str | None) -> list[Place]:
    """Return the dead letters to replay; each of them is whole."""
    if reason is None:
        letters: Iterator[Letter] = map(desk.letter, wanted)
    else:
        known = desk.replays()
        letters = (
            each
            for each in desk.letters()
            if each.record["reason"] == reason and each.place not in known
        )
    chosen = []
    for letter in letters:
        if letter.is_whole:
            chosen.append(letter.place)
        elif reason is None:
            raise HeadraceError(
                f"The dead letter {letter.place} does not hold its record whole: "
                f"{letter.record['detail']}.",
                fix="Publish the event again from where it came.",
            )
        else:
            progress(f"{letter.place} is left out: it does not hold its record whole")
    return chosen


def _is_agreed(letters: Sequence[Place], desk: Desk, *, yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        raise HeadraceError(
            f"{len(letters):,} dead letters would be replayed, and nobody can be asked.",
            fix="See them by --dry-run, and agree by --yes.",
        )
    question = f"Publish {len(letters):,} records to {desk.charter.name}.events again? [y/N] "
    errors.print(question, end="", highlight=False, markup=False)
    return input().strip().lower() in ("y", "yes")


def _tell(done: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        print_json(done)
        return
    for each in done:
        letter = f"{each['dead_letter_topic']} {each['dead_letter_partition']}"
        event = f"{each['source_topic']} {each['source_partition']}"
        _print(f"{letter}:{each['dead_letter_offset']} -> {event}:{each['replayed_offset']}")
    _print(f"{len(done):,} dead letters were replayed")


def _event(desk: Desk, letter: Letter) -> tuple[dict[str, Any] | None, dict[str, str] | None]:
    decode = desk.wiring.channel(f"{desk.charter.name}.events").decode
    try:
        return decode(letter.record["value"]), None
    except Undecodable as error:
        return None, {"reason": error.reason, "detail": error.detail}


def _row(row: Mapping[str, Any]) -> dict[str, object]:
    return {
        "place": f"{row['partition']}:{row['offset']}",
        "given up": words.timestamp(row["dead_lettered_at_ms"])[:19],
        "reason": row["reason"],
        "detail": row["detail"],
        "replayed": row["replayed"] or "",
    }


def _require_known(reason: str | None) -> None:
    known = list(get_args(DeadLetterReason))
    if reason is not None and reason not in known:
        raise HeadraceError(
            f"There is no such reason: {unknown('reason', reason, known)}.",
            fix=f"One of {', '.join(known)}.",
        )


def _age_s(at_ms: int | None) -> float | None:
    return None if at_ms is None else max(0.0, time.time() - at_ms / 1_000)


def _duration(age_s: float) -> str:
    if age_s < _HOUR_S:
        return f"{age_s / 60:.0f} minutes"
    if age_s < 48 * _HOUR_S:
        return f"{age_s / _HOUR_S:.0f} hours"
    return f"{age_s / 24 / _HOUR_S:.0f} days"


def _print(line: str) -> None:
    results.print(line, highlight=False, markup=False, soft_wrap=True)
