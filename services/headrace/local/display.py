"""Shows a long download: a bar on a terminal, a few plain lines elsewhere."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from headrace.local.download import Received

_MEGABYTE = 1_000_000


@contextlib.contextmanager
def download_display(
    console: Console, title: str, size_bytes: int, say: Callable[[str], None]
) -> Iterator[Received]:
    """Show how much of ``size_bytes`` has arrived; yields what to tell each arrival."""
    if not console.is_terminal:
        say(f"{title} ({size_bytes // _MEGABYTE} MB) ...")
        yield _Quarters(size_bytes, say)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=size_bytes)
        yield lambda number_bytes: progress.advance(task, number_bytes)


class _Quarters:
    """Says so at each quarter; called from several threads, where a lost count does no harm."""

    def __init__(self, size_bytes: int, say: Callable[[str], None]) -> None:
        self._size_bytes = size_bytes
        self._say = say
        self._arrived_bytes = 0
        self._quarters = 0

    def __call__(self, number_bytes: int) -> None:
        self._arrived_bytes += number_bytes
        quarters = min(4, 4 * self._arrived_bytes // self._size_bytes)
        if quarters > self._quarters:
            self._quarters = quarters
            self._say(
                f"  {self._arrived_bytes // _MEGABYTE} MB of {self._size_bytes // _MEGABYTE} MB"
            )
