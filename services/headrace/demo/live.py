"""The live view: what happens, four times a second, on a terminal."""

import time
from collections import Counter, deque
from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from headrace.demo.display import Arrived, Progress
from headrace.demo.outcomes import Outcomes, severity

_EVERY_S = 0.25
_RATE_S = 3.0
_REASONS = 4
_LETTERS = 4
_BAR = 20
_NAMES = 16
_STYLES = {"approve": "green", "review": "yellow", "decline": "red"}


class LiveView:
    """Redraws itself while the context lasts, and is gone afterwards; see :class:`Display`.

    Parameters
    ----------
    console
        A terminal.
    """

    def __init__(self, console: Console) -> None:
        # It is drawn by whoever shows something new: no thread, no more often than that.
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._rates = Rates()
        self._shown_at = 0.0

    def __enter__(self) -> object:
        """Begin."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._live.stop()

    def show(self, progress: Progress, arrived: Callable[[], Arrived] | None) -> None:
        """Draw, where the last picture is a quarter of a second old."""
        now = time.monotonic()
        if now - self._shown_at < _EVERY_S or arrived is None:
            return
        self._shown_at = now
        seen = arrived()
        rates = self._rates.per_s(now, (progress.published, seen.decided))
        self._live.update(picture(progress, seen, (rates[0], rates[1])), refresh=True)


class Rates:
    """Rates of some counters over the last seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, tuple[int, ...]]] = deque()

    def per_s(self, now_s: float, counts: tuple[int, ...]) -> list[float]:
        """Note the counters, and return how much each rises a second."""
        self._samples.append((now_s, counts))
        while len(self._samples) > 2 and now_s - self._samples[0][0] > _RATE_S:
            self._samples.popleft()
        first_s, first = self._samples[0]
        span_s = now_s - first_s
        return [
            (count - before) / span_s if span_s else 0.0
            for count, before in zip(counts, first, strict=True)
        ]


def picture(progress: Progress, seen: Arrived, rates: tuple[float, float]) -> Group:
    """Draw everything; every line is cut to the width of the terminal."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True, min_width=_NAMES)
    table.add_column(no_wrap=True, overflow="ellipsis")
    bar = ProgressBar(total=max(1, progress.events), completed=progress.published, width=50)
    table.add_row("", bar)
    table.add_row("published", f"{progress.published:,} of {progress.events:,}{_rate(rates[0])}")
    table.add_row("decided", f"{seen.decided:,}{_rate(rates[1])}")
    if seen.latencies_ms is not None:
        p50, p99 = seen.latencies_ms
        table.add_row("latency", f"p50 {p50:.0f} ms   p99 {p99:.0f} ms   of the last seconds")
    if len(seen.outcomes.models):
        table.add_row("model", _models(seen.outcomes))
    for action, line in _actions(seen.outcomes.actions):
        table.add_row(action, line)
    for name, words in seen.outcomes.money.words():
        table.add_row(name, words)
    table.add_row("duplicates", f"{progress.duplicates:,}, recognised and not decided again")
    table.add_row("dead letters", _letters(seen.dead_letters))
    return Group(Text(), table, *_reasons(seen))


def _rate(per_s: float) -> str:
    return f"   {per_s:,.0f} per s"


def _actions(actions: Counter[str]) -> list[tuple[Text, Text]]:
    """Return a row for each action: count, share and a bar of the square root of the share.

    The root, because what is rare is what matters here.
    """
    total = max(1, actions.total())
    rows = []
    for action in sorted(actions, key=severity):
        share = actions[action] / total
        style = _STYLES.get(action, "")
        bar = "\u2588" * max(1, round(_BAR * share**0.5))
        line = Text.assemble(f"{actions[action]:>8,} {share:>7.2%}  ", (bar, style))
        rows.append((Text(action, style), line))
    return rows


def _models(outcomes: Outcomes) -> str:
    """Return which model decides now, and how many have decided before it."""
    before = len(outcomes.models) - 1
    more = f", after {before} other{'s' * (before > 1)}" if before else ""
    return f"{' '.join(outcomes.latest_model)}{more}"


def _letters(letters: Counter[str]) -> str:
    if not letters:
        return "none"
    most = sorted(letters.items(), key=lambda each: -each[1])[:_LETTERS]
    named = ", ".join(f"{reason} {count:,}" for reason, count in most)
    more = ", ..." if len(letters) > _LETTERS else ""
    return f"{letters.total():,}: {named}{more}"


def _reasons(seen: Arrived) -> list[Text]:
    top = seen.outcomes.top_reasons(_REASONS)
    if not top:
        return []
    lines = [Text("why not approved: the most frequent reasons, in the latest words", "bold")]
    lines += [
        Text(f"{count:>8,}  {words}", no_wrap=True, overflow="ellipsis") for count, words in top
    ]
    return lines
