"""Progress on standard error: how far the run is, how fast, how long it still takes, and who is at what."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from types import TracebackType

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from peephole.cli.streams import CleanConsole
from peephole.cli.tables import duration
from peephole.engines.outcome import Failure
from peephole.store.lease import Held
from peephole.store.store import StorageError, Store
from peephole.store.summary import at_work
from peephole.units.base import Unit

WORKERS = 16
"""Lines for those who are at work, at most."""
LOOK = 2.0
"""Seconds between two looks at who is at work."""
LINE = 30.0
"""Seconds between two lines where there is no terminal."""


class ProgressWatcher:
    """A watcher that draws a line for the run and one for each worker, whoever started it.

    On something else than a terminal it prints a line a training, and one every half minute for all.

    Args:
        total: how many units there are, if that is known.
        store: its leases say who is at work.
        seconds: that each unit is expected to take, by digest: for the time that is left.
    """

    def __init__(
        self, total: int | None, store: Store | None = None, seconds: Mapping[str, float] | None = None
    ) -> None:
        self._console = CleanConsole(stderr=True)
        self._total = total
        self._store = store
        self._seconds = seconds or {}
        self._left = sum(self._seconds.values())
        self._done = self._computed = self._failed = self._skipped = 0
        self._worked = 0.0
        self._began = self._printed = time.monotonic()
        self._looked = float("-inf")
        self._at_work: list[Held] = []
        self._label = self._line = ""
        self._live = Live(self, console=self._console, transient=True, refresh_per_second=2)

    def __enter__(self) -> ProgressWatcher:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def started(self, unit: Unit) -> None:
        """Show what is being computed."""
        self._label = unit.label
        if not self._console.is_terminal:
            line = unit.label if unit.cost().weights else "explain and score"
            if line != self._line:
                self._console.print(f"{line} …", highlight=False)
            self._line = line

    def progressed(self, unit: Unit, share: float) -> None:
        """Leases say it, those of other processes too."""

    def finished(self, unit: Unit, result: Failure | str) -> None:
        """Count, and say at once what failed."""
        self._done += 1
        seconds = self._seconds.get(unit.digest, 0.0)
        self._left -= seconds
        if result == "computed":
            self._computed += 1
            self._worked += seconds
        self._skipped += result == "skipped"
        if isinstance(result, Failure):
            self._failed += 1
            if not isinstance(result.error, StorageError):  # which ends the run, with a line of its own
                self._console.print(
                    f"failed: {unit.label}: {result.reason}", highlight=False, markup=False, soft_wrap=True
                )
        if self._done == self._total and not self._console.is_terminal:
            self._console.print("tables and pictures …", highlight=False)
        if not self._console.is_terminal and time.monotonic() - self._printed > LINE:
            self._printed = time.monotonic()
            self._console.print(self._summary(), highlight=False, soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        head = Table.grid(padding=(0, 1))
        head.add_row(ProgressBar(total=self._total, completed=self._done, width=30), self._summary())
        yield head
        yield from self._workers(max(20, options.max_width - 1))

    def _summary(self) -> str:
        elapsed = time.monotonic() - self._began
        said = [f"{self._done:,} of {self._total:,} units" if self._total else f"{self._done:,} units"]
        if self._computed:
            said.append(f"{60 * self._computed / elapsed:.0f} a minute")
        if self._worked > 0 and self._left > 0:
            said.append(f"about {duration(self._left * elapsed / self._worked)} left")
        if self._failed:
            said.append(f"{self._failed} failed, {self._skipped} left out")
        return f"{', '.join(said)}; {duration(elapsed)} so far."

    def _workers(self, width: int) -> Iterator[Text]:
        if self._store is None:
            yield Text(self._label, overflow="ellipsis", no_wrap=True)
            return
        if time.monotonic() - self._looked > LOOK:
            self._looked = time.monotonic()
            self._at_work = at_work(self._store)
        here = {held.owner.host for held in self._at_work}
        for held in self._at_work[:WORKERS]:
            place = held.work.device if len(here) == 1 else f"{held.owner.host} {held.work.device}"
            line = f"{place:8} {100 * held.work.share:3.0f} %  {held.work.label}"
            yield Text(line[:width], overflow="ellipsis", no_wrap=True)
        if len(self._at_work) > WORKERS:
            yield Text(f"… and {len(self._at_work) - WORKERS} more")
