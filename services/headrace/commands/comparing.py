"""``headrace models compare``: how good models are beside each other, by both clocks."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final, NamedTuple

from headrace.chassis.reading import records_of
from headrace.commands.comparison_lines import described, print_comparisons
from headrace.commands.comparison_picture import picture as draw
from headrace.commands.console import print_json, progress
from headrace.commands.desk import Desk
from headrace.contracts.codec import Undecodable
from headrace.errors import HeadraceError
from headrace.evaluating.comparison import Comparison, Latest, compared
from headrace.evaluating.evaluator import ALL, DAY_MS, SERVED, WINDOW_DAYS
from headrace.usecase.charter import Charter
from headrace.usecase.declared import parse_duration_ms
from headrace.usecase.problems import unknown

_TIMEOUT_S: Final = 30.0


class _Question(NamedTuple):
    """What is compared."""

    latest: Latest
    models: Sequence[str]
    is_wanted: Callable[[int], bool]
    """Of a window's start."""

    def answer(self, source: str, *, final: bool) -> Comparison:
        """Compare by one clock, by the word of a source of labels."""
        windows = self.latest.windows(source, final=final, is_wanted=self.is_wanted)
        return compared(windows, self.models, source, final=final)


def compare(
    *names: str,
    last: str | None = None,
    window: date | None = None,
    by_source: bool = False,
    picture: Path | None = None,
    charter: Path | None = None,
    json: bool = False,
) -> None:
    """Compare models over the windows that all of them have: as far as is known, and finally.

    Counts and money are sums. A measure is the mean of the windows', weighted by known outcomes.

    Parameters
    ----------
    names
        The models; 'served' is whatever decided. Default: that, and all that the charter declares.
    last
        Only windows of so long before the end of the latest one, as 30d.
    window
        Only the window in which this day (UTC) is: they are weeks.
    by_source
        Each source of labels for itself, too.
    picture
        Draw the measures over time into this .svg file.
    charter
        The use case's charter; the shipped one where not given.
    json
        Print JSON.
    """
    desk = Desk.open(charter, _TIMEOUT_S)
    latest = _latest(desk)
    is_wanted = _wanted(latest, last, window)
    question = _Question(latest, _models(desk.charter, latest, names), is_wanted)
    sources = [ALL, *(each for each in latest.sources if each != ALL)] if by_source else [ALL]
    found = [
        answer
        for source in sources
        for final in (False, True)
        if _is_known(answer := question.answer(source, final=final))
    ]
    if not any(each.label_source == ALL for each in found):
        raise _nothing_common(question.models)
    if picture is not None:
        _write(picture, draw(*question))
    if json:
        print_json(
            {"use_case": desk.charter.name, "comparisons": [described(each) for each in found]}
        )
        return
    for source in sources:
        print_comparisons(
            desk.charter, source, [each for each in found if each.label_source == source]
        )


def _latest(desk: Desk) -> Latest:
    """Read all evaluations.

    Raises
    ------
    HeadraceError
        There are none.
    """
    channel, latest = desk.wiring.channel(f"{desk.charter.name}.evaluations"), Latest()
    for message in records_of(desk.clients, channel.topic, _TIMEOUT_S):
        try:
            latest.take(channel.decode(message.value()))
        except Undecodable:
            continue  # what nobody can read says nothing of a model
    if latest.models:
        return latest
    raise HeadraceError(
        f"{channel.topic} is empty: no model was evaluated yet.",
        fix="Run labelling and learning (headrace run learning): with each version of the models "
        "comes how good they are, every [learning] freeze_every outcomes.",
    )


def _models(charter: Charter, latest: Latest, names: Sequence[str]) -> list[str]:
    """Return which models are compared."""
    for name in names:
        if name not in latest.models:
            raise HeadraceError(f"{unknown('evaluation of', name, latest.models)}.")
    declared = charter.learning.models if charter.learning else latest.models
    by_default = [name for name in latest.models if name == SERVED or name in declared]
    return list(dict.fromkeys(names or by_default or latest.models))


def _wanted(latest: Latest, last: str | None, window: date | None) -> Callable[[int], bool]:
    """Return which windows are looked at, by their start."""
    if last is not None and window is not None:
        raise HeadraceError("Either the last windows, or one.", fix="Leave --last or --window out.")
    if window is not None:
        at_ms = int(datetime.combine(window, time(), UTC).timestamp()) * 1_000
        return lambda start_ms: 0 <= at_ms - start_ms < WINDOW_DAYS * DAY_MS
    if last is None:
        return lambda _: True
    try:
        since_ms = latest.end_ms - parse_duration_ms(last)
    except ValueError as error:
        raise HeadraceError(f"--last is {last!r}: {error}.") from None
    return lambda start: start + WINDOW_DAYS * DAY_MS > since_ms


def _is_known(comparison: Comparison) -> bool:
    return any(each.positives + each.negatives for each in comparison.models)


def _nothing_common(models: Sequence[str]) -> HeadraceError:
    return HeadraceError(
        f"In no such window outcomes are known that all of these have scored: {', '.join(models)}.",
        fix="Name fewer models, or other windows.",
    )


def _write(path: Path, drawn: str) -> None:
    try:
        path.write_text(drawn)
    except OSError as error:
        raise HeadraceError(
            f"The picture cannot be written to {path}: {error.strerror}.",
            fix="Name a file in a folder that there is.",
        ) from None
    progress(f"Written: {path}")
