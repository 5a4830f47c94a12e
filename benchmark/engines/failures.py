"""What failed in one run, told by its workers to each other and to the one that waits for them."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from peephole.engines.outcome import Failure
from peephole.engines.report import Written, written
from peephole.files import write_atomically, write_text
from peephole.store.store import FAILURES, TEMPORARY, Store
from peephole.units.base import Unit

MARK = "open"
"""A file in the folder while somebody waits for the run."""


class Failures:
    """Notes in ``failures/RUN/DIGEST.json`` of a store, one a unit.

    The folder is made by whoever started the run and taken away when the run is over, so that the next run tries again.

    Args:
        store: which the workers share.
        run: a name that no other run has.
        log: of this worker, for people.
    """

    def __init__(self, store: Store, run: str, log: Path | None = None) -> None:
        self.folder = store.root / FAILURES / run
        self._store = store
        self._log = log

    def begin(self) -> None:
        """The run begins.

        Raises:
            StorageError: the folder cannot be made.
        """
        try:
            self.folder.mkdir(parents=True)
            (self.folder / MARK).touch()
        except OSError as error:
            raise self._store.refused(error) from error

    def end(self) -> None:
        """The run is over."""
        (self.folder / MARK).unlink(missing_ok=True)  # first: a note that comes late does not open the run again
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def is_over(self) -> bool:
        """Whether nobody waits any more."""
        return not (self.folder / MARK).exists()

    def note(self, failure: Failure) -> None:
        """Write down what failed here, unless the run is over.

        Raises:
            StorageError: the disk did not take it.
        """
        if self.is_over:
            return
        told = asdict(written(failure)) | {"host": platform.node(), "log": str(self._log or "")}
        write = partial(write_text, text=json.dumps(told, indent=1))
        try:
            write_atomically(self._path(failure.unit), write, through=self._store.root / TEMPORARY)
        except OSError as error:
            raise self._store.refused(error) from error

    def among(self, units: Iterable[Unit]) -> list[Failure]:
        """Those of ``units`` that failed, wherever. One look at a folder, and one at the note of each that did."""
        try:
            names = {path.stem for path in self.folder.iterdir() if path.name != MARK}
        except FileNotFoundError:
            return []
        found = (self._read(unit) for unit in units if unit.digest in names) if names else ()
        return [failure for failure in found if failure is not None]

    def _read(self, unit: Unit) -> Failure | None:
        try:
            told = json.loads(self._path(unit).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None  # the run has ended meanwhile
        where = f"on {told.pop('host')}, {told.pop('log')}".removesuffix(", ")
        failure = Written(**told).read(unit)
        return Failure(unit, failure.error, f"{failure.trace.rstrip()}\n({where})\n")

    def _path(self, unit: Unit) -> Path:
        return self.folder / f"{unit.digest}.json"
