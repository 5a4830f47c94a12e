"""One training in several processes, each with a device of its own, as if it were a call."""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightning_fabric
import torch
from torch import nn
from torch.multiprocessing.spawn import ProcessException

from peephole.attacks.interruption import deferred
from peephole.attacks.trainer import Report
from peephole.errors import PeepholeError

# A worker imports this before it joins the others, of which Fabric would tell the user at length.
logging.getLogger(lightning_fabric.__name__).setLevel(logging.WARNING)

AGREED = 10
"""Steps between two questions whether all are to stop: an answer makes GPUs wait."""
PORT = "MASTER_PORT"
PATIENCE = 0.5
"""Seconds between two reports."""

Stopped = Callable[[], bool]
Work = Callable[[Any, nn.Module, Sequence[torch.optim.Optimizer], Stopped, Report], None]
"""Called in every worker with the Fabric, its copy of the module, the optimisers of that copy, a function that it asks
after every step whether to stop, and one that it tells the share that is done."""


def launch(
    fabric: Any, work: Work, module: nn.Module, optimisers: Sequence[torch.optim.Optimizer], report: Report | None
) -> None:
    """Run ``work``, which has to be picklable, in all processes of ``fabric``; ``module`` is then what it became there.

    Signals reach the workers through this process alone: at the first one they stop together at a step.

    Raises:
        PeepholeError: it was raised in a worker.
        KeyboardInterrupt: see `deferred`.
    """
    shared = multiprocessing.get_context("spawn")
    others = multiprocessing.active_children()
    with TemporaryDirectory(prefix="peephole-") as folder:
        worker = _Worker(work, Path(folder), shared.RawValue("d"), shared.RawValue("b"), os.getpid())
        try:
            with deferred(worker.end), worker.reported(report), _own_port():
                fabric.launch(worker, module, optimisers)
        except ProcessException:
            for reason in worker.reasons():
                raise PeepholeError(reason) from None
            raise
        finally:
            for process in set(multiprocessing.active_children()) - set(others):
                process.terminate()  # after a second signal, which does not wait
        module.load_state_dict(torch.load(worker.weights, map_location="cpu", weights_only=True))


@dataclass(frozen=True)
class _Worker:
    """What is run in each process, and what it shares with the first one: files, the share that is done, a request."""

    work: Work
    folder: Path
    done: Any
    asked: Any
    parent: int

    def __call__(self, fabric: Any, module: nn.Module, optimisers: Sequence[torch.optim.Optimizer]) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all
        steps = itertools.count(1)

        def stopped() -> bool:
            if next(steps) % AGREED:
                return False
            own = self.asked.value or os.getppid() != self.parent
            return bool(fabric.all_reduce(torch.tensor(float(own), device=fabric.device), reduce_op="sum"))

        try:
            self.work(fabric, module, optimisers, stopped, self._tell)
        except PeepholeError as error:
            (self.folder / f"error {fabric.global_rank}").write_text(str(error), encoding="utf-8")
            raise
        if fabric.is_global_zero:
            torch.save(module.state_dict(), self.weights)

    @property
    def weights(self) -> Path:
        """A file: nobody reads a pipe before the workers end, and they do not end before it is read."""
        return self.folder / "weights"

    def reasons(self) -> list[str]:
        """What bad input the workers found."""
        return [path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("error *"))]

    def end(self) -> None:
        """Ask all workers to stop."""
        self.asked.value = 1

    def _tell(self, share: float) -> None:
        self.done.value = share

    @contextmanager
    def reported(self, report: Report | None) -> Iterator[None]:
        """Inside, ``report`` is told, from another thread, what the workers tell."""
        if report is None:
            yield
            return
        over = threading.Event()

        def follow() -> None:
            while not over.wait(PATIENCE):
                report(self.done.value)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        report(self.done.value)


@contextmanager
def _own_port() -> Iterator[None]:
    """Fabric leaves the port that the processes met at in the environment, where the next ones would go to it."""
    before = os.environ.get(PORT)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(PORT, None)
