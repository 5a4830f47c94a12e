"""Tasks measured as multiples of a plain pass that is timed before and after each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import torch
from work import Bench, Task

FEW = 4
"""Pictures that a slow task gets."""


@dataclass
class Stopwatch:
    """Measures tasks on a bench, and keeps the ratios.

    Attributes:
        bench: the network and the pictures.
        patience: a task whose measurements took so many seconds together is not measured again.
        ratios: for each title, its time a picture over that of the plain pass.
        passes: the seconds of the plain passes.
    """

    bench: Bench
    patience: float
    ratios: dict[str, list[float]] = field(default_factory=dict)
    passes: list[float] = field(default_factory=list)

    def warm_up(self, tasks: Iterable[Task]) -> None:
        """One call of each task, a small one of those that are slow."""
        self._plain()
        for task in tasks:
            self.ratios[task.title] = []
            self._seconds(task, 1 if task.slow else len(self.bench.x), task.layers[-1:] if task.slow else task.layers)

    def measure(self, tasks: Sequence[Task], rounds: int) -> None:
        """So many rounds through all tasks."""
        spent = dict.fromkeys((task.title for task in tasks), 0.0)
        for _ in range(rounds):
            before = self._plain()
            for task in tasks:
                if spent[task.title] > self.patience:
                    continue
                pictures = min(FEW, len(self.bench.x)) if task.slow else len(self.bench.x)
                taken = self._seconds(task, pictures, task.layers)
                after = self._plain()
                spent[task.title] += taken
                self.passes.append(after)
                self.ratios[task.title].append(2 * taken / pictures * len(self.bench.x) / (before + after))
                before = after

    def _seconds(self, task: Task, pictures: int, layers: Sequence[str]) -> float:
        x, target = self.bench.x[:pictures], self.bench.target[:pictures]
        return self._timed(lambda: task.run(x, target, layers))

    def _plain(self) -> float:
        return self._timed(self.bench.plain)

    def _timed(self, work: Callable[[], object]) -> float:
        """The time it takes, until the device has done it."""
        self._wait()
        start = time.perf_counter()
        work()
        self._wait()
        return time.perf_counter() - start

    def _wait(self) -> None:
        if self.bench.x.is_cuda:
            torch.cuda.synchronize(self.bench.x.device)
