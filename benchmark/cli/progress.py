"""Progress on standard error: one bar for the run, one for the unit in hand."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from peephole.engines.outcome import Failure
from peephole.units.base import Unit


class ProgressWatcher:
    """A watcher that draws bars; on something else than a terminal it prints a line a training and one for the rest.

    Args:
        total: how many units there are, if that is known.
    """

    def __init__(self, total: int | None) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._line = ""
        self._run = self._progress.add_task("units", total=total)
        self._unit = self._progress.add_task("", total=100, visible=False)

    def __enter__(self) -> ProgressWatcher:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, unit: Unit) -> None:
        """Show what is being computed."""
        self._progress.update(self._unit, description=unit.label, completed=0, visible=True)
        if not self._console.is_terminal:
            line = unit.label if unit.cost().weights else "explain and score"
            if line != self._line:
                self._console.print(f"{line} …", highlight=False)
            self._line = line

    def progressed(self, unit: Unit, share: float) -> None:
        """Move the unit's bar."""
        self._progress.update(self._unit, completed=round(100 * share))

    def finished(self, unit: Unit, failure: Failure | None = None) -> None:
        """Move the run's bar."""
        self._progress.advance(self._run)
