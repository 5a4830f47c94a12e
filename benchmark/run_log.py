"""The log file of a run: what it was asked, what it did when, and how things failed."""

from __future__ import annotations

import logging
import os
import platform
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from peephole._version import __version__
from peephole.engines.outcome import Failure, Watcher
from peephole.units.base import Unit

FOLDER = "logs"


class _Patient(logging.FileHandler):
    """A disk that does not take the log does not end the run: what else it does not take will."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave out the line."""

    def close(self) -> None:
        """Leave out what is left."""
        with suppress(OSError):
            super().close()


class RunLog:
    """A watcher that writes down what it is told, and passes it on.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path, logger: logging.Logger, watcher: Watcher) -> None:
        self.path = path
        self._logger = logger
        self._watcher = watcher
        self._again = False
        self._states: dict[str, str] = {}

    def say(self, text: str) -> None:
        """A line."""
        self._logger.info(text)

    def again(self) -> None:
        """From now on, what is found in the store has been told before."""
        self._again = True

    def started(self, unit: Unit) -> None:
        """A unit, perhaps with others of its group, is given out."""
        self._logger.info("started   %s %s  %s", unit.kind, unit.digest, unit.label)
        self._watcher.started(unit)

    def progressed(self, unit: Unit, share: float) -> None:
        """Not worth a line."""
        self._watcher.progressed(unit, share)

    def finished(self, unit: Unit, result: Failure | str) -> None:
        """What was in the store before is counted only."""
        if self._again and result == "cached":
            return
        self._states[unit.digest] = "failed" if isinstance(result, Failure) else result
        if isinstance(result, Failure):
            self._logger.error(
                "failed    %s %s  %s: %s\n%s", unit.kind, unit.digest, unit.label, result.reason, result.trace.rstrip()
            )
        elif result != "cached":
            self._logger.info("%-9s %s %s  %s", result, unit.kind, unit.digest, unit.label)
        self._watcher.finished(unit, result)

    def end(self, how: str) -> None:
        """The last line."""
        counts = Counter(self._states.values())
        told = ", ".join(f"{counts[what]} {what}" for what in ("computed", "cached", "skipped", "failed"))
        self._logger.info("%s: %s", how, told)


@contextmanager
def logged(folder: Path, watcher: Watcher) -> Iterator[RunLog]:
    """A log file in ``folder``/logs for what goes on in the block, errors and stops that leave it among that.

    Its name says when (UTC), where and by which process: several runs on one folder have a file each.
    """
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = folder / FOLDER / f"{now}-{platform.node()}-{os.getpid()}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = _Patient(path, encoding="utf-8", delay=True)
    lines = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-5s %(message)s", "%Y-%m-%dT%H:%M:%S")
    lines.converter = time.gmtime
    handler.setFormatter(lines)
    logger = logging.Logger("peephole.run", logging.INFO)
    logger.addHandler(handler)
    log = RunLog(path, logger, watcher)
    try:
        logger.info("peephole %s on %s, process %d", __version__, platform.node(), os.getpid())
        yield log
        log.end("finished")
    except KeyboardInterrupt:
        log.end("stopped")
        raise
    except BaseException as error:
        logger.error("ended by %s: %s", type(error).__name__, error)
        log.end("ended")
        raise
    finally:
        handler.close()
