"""What engines cost and gain, as ratios measured in one run.

(a) two local workers of one thread each against one, on work that keeps a core busy and on work that sleeps; beside it
what two bare processes gain on the same, which is all that an engine can gain on a machine: (b) what Ray adds to a unit
over a loop in this process; (c) how long a plan of a hundred thousand units takes to be looked through.

python tests/speed/scale.py [workers|ray|plan ...]
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np

from peephole.engines.run import run_units
from peephole.engines.schedule import Schedule
from peephole.machine import Machine, core_count
from peephole.options import Options
from peephole.runner import Silent, plan_run
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.units.base import Cost, Unit
from peephole.workspace import Workspace

SECONDS = 0.05
"""Of a unit that keeps a core busy."""
UNITS = 200
TRIVIAL = 500
SEEDS = 88
"""Of the quick suite: a hundred thousand units."""


class Busy(Unit):
    """Products of matrices, ``rounds`` times; or sleep, for ``seconds``."""

    kind: ClassVar[str] = "busy"
    version: ClassVar[int] = 1

    def cost(self) -> Cost:
        """Not asked for."""
        return Cost("resnet8", passes=0)

    def compute(self, workspace: Workspace) -> Shard:
        """Either."""
        return Shard({"x": np.array([work(self.spec["rounds"], self.spec["seconds"])])})


def work(rounds: int, seconds: float) -> float:
    """What a unit does, without one."""
    time.sleep(seconds)
    if not rounds:
        return 0.0
    import torch

    torch.set_num_threads(1)
    matrix = torch.full((256, 256), 1 / 256)
    for _ in range(rounds):
        matrix = matrix @ matrix
    return float(matrix.sum())


def units(count: int, rounds: int, seconds: float, note: str) -> list[Unit]:
    """As many as are wanted."""
    return [
        Busy({"number": number, "rounds": rounds, "seconds": seconds, "note": note}, {}, label=f"{note} {number}")
        for number in range(count)
    ]


def timed(do: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def calibrated() -> int:
    """Rounds that take about `SECONDS` here and now, alone."""
    work(10, 0.0)
    return max(1, round(SECONDS / (timed(lambda: work(100, 0.0)) / 100)))


def loop(ready: Any, count: int, rounds: int, seconds: float) -> None:
    """A bare process: it warms up, waits for the others, and works."""
    work(min(rounds, 1), 0.0)
    ready.wait()
    for _ in range(count):
        work(rounds, seconds)
    ready.wait()


def bare(processes: int, count: int, rounds: int, seconds: float) -> float:
    """Seconds that so many processes take for all, shared evenly, without any engine."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    started = [
        context.Process(target=loop, args=(ready, count // processes, rounds, seconds)) for _ in range(processes)
    ]
    for process in started:
        process.start()
    ready.wait()
    taken = timed(ready.wait)
    for process in started:
        process.join()
    return taken


class SinceFirst(Silent):
    """Takes the time from an early result to the last: to start and end processes takes seconds, however many units."""

    def __init__(self, skip: int) -> None:
        self.left, self.done, self.start, self.end = skip, 0, 0.0, 0.0

    def finished(self, unit: object, result: object = None) -> None:
        """Counts."""
        self.left -= 1
        self.end = time.perf_counter()
        if self.left == 0:
            self.start = self.end
        self.done += self.left < 0


def through(machine: Machine, plan: Sequence[Unit], skip: int) -> float:
    """Seconds a unit through an engine, the first ``skip`` units apart."""
    watcher = SinceFirst(skip)
    with TemporaryDirectory() as folder:
        outcome = run_units(plan, Workspace(Store(Path(folder)), machine), watcher)
    assert len(outcome.computed) == len(plan)
    return (watcher.end - watcher.start) / watcher.done


def workers() -> None:
    """(a)."""
    rounds = calibrated()
    for name, each, seconds in (("busy", rounds, 0.0), ("asleep", 0, SECONDS)):
        ideal = bare(1, UNITS, each, seconds) / bare(2, UNITS, each, seconds)
        one, two = (
            through(Machine("cpu", workers=count), units(UNITS, each, seconds, f"{name} {count}"), skip=40)
            for count in (1, 2)
        )
        print(f"two workers, {name:8} {one / two:5.2f} x one; two bare processes {ideal:5.2f} x one;", end=" ")
        print(f"engine/ideal {one / two / ideal:5.2f}; one worker takes {one / SECONDS:5.2f} x {SECONDS} s a unit")


def ray() -> None:
    """(b)."""
    os.environ["PYTHONPATH"] = os.pathsep.join((str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")))
    alone = through(Machine("cpu"), units(TRIVIAL, 0, 0.0, "here"), skip=50)
    there = through(Machine("cpu", engine="ray"), units(TRIVIAL, 0, 0.0, "ray"), skip=50)
    print(
        f"ray: {1000 * there:.1f} ms a trivial unit on {core_count()} processors, a loop here {1000 * alone:.1f} ms;",
        end=" ",
    )
    print(f"Ray adds {1000 * (there * core_count() - alone):.1f} ms of a processor")


def plan() -> None:
    """(c)."""
    start = time.perf_counter()
    everything = plan_run("quick", options=Options(seeds=SEEDS)).units
    built = time.perf_counter() - start
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        empty = timed(lambda: Schedule(everything, store, Silent()))
        for unit in everything:
            path = store.path(unit.kind, unit.digest)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            path.with_suffix(".json").touch()
        full = timed(lambda: Schedule(everything, store, Silent()))
    print(f"plan: {len(everything)} units built in {built:.1f} s;", end=" ")
    print(f"checked against an empty store in {empty:.2f} s, against a full one in {full:.2f} s")


if __name__ == "__main__":
    import scale  # other processes know units by the name of their module

    for part in sys.argv[1:] or ("workers", "ray", "plan"):
        getattr(scale, part)()
