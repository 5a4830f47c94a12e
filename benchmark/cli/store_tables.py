"""The store for people: tables, lines, and a bar while it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from rich.box import SIMPLE_HEAD
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from peephole.cli.streams import CleanConsole
from peephole.store.described import Described
from peephole.store.summary import Look

HOUR = 3600.0


def kinds_table(seen: Look) -> Table:
    """A line a kind, and one of all together."""
    table = _table("kind", "shards", "MB", "hours", "oldest", "newest", right=("shards", "MB", "hours"))
    for one in seen.kinds:
        table.add_row(one.kind, str(one.count), *_sizes(one.bytes, one.seconds), _day(one.oldest), _day(one.newest))
    count, size = sum(one.count for one in seen.kinds), sum(one.bytes for one in seen.kinds)
    table.add_row("all", str(count), *_sizes(size, sum(one.seconds for one in seen.kinds)), "", "", style="bold")
    return table


def shards_table(shards: Sequence[Described]) -> Table:
    """A line a shard."""
    table = _table("digest", "of", "MB", "seconds", "created", "device", right=("MB", "seconds"))
    for one in shards:
        receipt = one.receipt
        device = str(receipt.facts.get("device", ""))
        size, seconds = f"{receipt.bytes / 1e6:.2f}", f"{receipt.seconds:.2f}"
        table.add_row(receipt.digest, Text(one.words), size, seconds, _day(receipt.created), Text(device))
    return table


def lines_at_work(seen: Look, folder: Path) -> Iterator[str]:
    """Who is at work, and what was left behind."""
    if not seen.at_work:
        yield "Nobody is at work."
    for one in seen.at_work:
        since = datetime.fromtimestamp(one.work.began, UTC).isoformat(sep=" ", timespec="seconds")
        where = f"{one.owner.host}, {one.work.device}" if one.work.device else one.owner.host
        yield f"At work: {one.work.label} ({where}), {one.work.share:.0%}, since {since}."
    left = seen.leftovers
    if left is None:
        yield "What killed runs left behind cannot be told on a read-only disk."
    elif left.files or left.leases:
        yield (
            f"Left behind by killed runs: {len(left.files)} files, {left.bytes / 1e6:.1f} MB, {left.leases} leases; "
            f"peephole store gc {folder} takes them away."
        )


class ReadingBar:
    """Progress on standard error while a store is read; nothing where that is no terminal."""

    def __init__(self) -> None:
        console = CleanConsole(stderr=True)
        columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("reading", total=None)

    def __enter__(self) -> ReadingBar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def report(self, done: int, total: int) -> None:
        """So many bytes are read, of so many."""
        self._progress.update(self._task, completed=done, total=total)


def _table(*headings: str, right: tuple[str, ...]) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table


def _sizes(size: int, seconds: float) -> tuple[str, str]:
    return f"{size / 1e6:.1f}", f"{seconds / HOUR:.3f}"


def _day(created: str) -> str:
    return created.removesuffix("+00:00").replace("T", " ")
