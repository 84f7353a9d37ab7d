"""The services that learn while scoring decides, and the labels that they learn from."""

import contextlib
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from headrace.chassis.clients import Clients
from headrace.chassis.wiring import Wiring
from headrace.simulator.desk import LabelDesk
from headrace.simulator.labelling import Labelling
from headrace.simulator.scenario import Scenario
from headrace.trials.service import ServiceProcess
from headrace.usecase.charter import Charter

DAYS: Final = 240
"""Of the world in which something is learned: chargebacks come after weeks, and what nobody
disputes is known after two months."""
SERVICES: Final = ("labelling", "learning")


class Learners:
    """Runs labelling, learning and the label desk of a world while the context lasts.

    Parameters
    ----------
    path
        The charter's file; logs go beside it.
    partitions
        Of decisions and labels.
    scenario
        Of the world; its labels are published until the context ends.
    environment
        Added to this process's own, for the services.
    """

    def __init__(
        self,
        path: Path,
        charter: Charter,
        clients: Clients,
        wiring: Wiring,
        partitions: int,
        scenario: Scenario,
        environment: dict[str, str],
    ) -> None:
        self._processes = [
            ServiceProcess(each, path, environment, path.with_suffix(f".{each}.log"))
            for each in SERVICES
        ]
        self._desk = Labelling(
            clients,
            LabelDesk(scenario),
            wiring.channel(f"{charter.name}.decisions"),
            wiring.channel(f"{charter.name}.labels"),
            partitions,
            charter.labels.horizon_ms + charter.events.lateness_ms,
        )
        self._ends = contextlib.ExitStack()
        self._over = threading.Event()
        self._failures: list[Exception] = []

    def __enter__(self) -> Self:
        """Start them, and publish what becomes known of what is decided from now on."""
        with contextlib.ExitStack() as ends:
            for process in self._processes:
                ends.enter_context(process)
            thread = threading.Thread(target=self._publish, daemon=True)
            thread.start()
            ends.callback(thread.join)
            ends.callback(self._over.set)
            self._ends = ends.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End them.

        Raises
        ------
        HeadraceError
            One has ended before, or a label could not be published.
        """
        try:
            if error is None:
                for process in self._processes:
                    process.require_alive()
        finally:
            self._ends.close()
        if error is None and self._failures:
            raise self._failures[0]

    def _publish(self) -> None:
        try:
            self._desk.run(self._over)
        except Exception as error:  # noqa: BLE001 -- the main thread raises it
            self._failures.append(error)
