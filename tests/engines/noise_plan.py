"""A plan of units that need no torch, and a process that works it off: for tests that kill it.

NOISE_SECONDS=0.03 python noise_plan.py STORE UNITS
"""

import os
import sys
import time
from pathlib import Path
from typing import ClassVar

import numpy as np

from peephole.engines.run import run_units
from peephole.machine import Machine
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.units.base import Cost, Unit, in_order
from peephole.workspace import Workspace

GROUP = 4


class Noise(Unit):
    """Noise that only its number determines, added to that of its inputs; four of a group wait on disk together."""

    kind: ClassVar[str] = "noise"
    version: ClassVar[int] = 1

    def cost(self):
        return Cost("resnet8", passes=0)

    @property
    def group(self):
        return self.spec["number"] // GROUP

    @classmethod
    def compute_all(cls, units, workspace):
        with workspace.store.scratch() as folder:
            for unit in units:
                time.sleep(float(os.environ.get("NOISE_SECONDS", "0")))
                waiting = workspace.store.waiting(folder / f"{unit.digest}.npy", (30, 500))
                waiting[:] = np.random.default_rng(unit.spec["number"]).standard_normal((30, 500), dtype=np.float32)
                for needed in unit.inputs.values():
                    waiting[:] += workspace.open(needed).read("maps/x")
                yield unit, Shard({"maps/x": waiting, "sum": waiting.sum(0)}, {"number": unit.spec["number"]})

    def compute(self, workspace):
        raise NotImplementedError


def plan(count):
    """A chain of groups, each of which needs one unit of the one before."""
    units = []
    for number in range(count):
        first = number - number % GROUP
        inputs = {"before": units[first - 1]} if first else {}
        units.append(Noise({"number": number}, inputs, label=f"noise {number}"))
    return in_order(units)


class Speaking:
    """Says what it does."""

    def started(self, unit):
        print(unit.label, flush=True)

    def progressed(self, unit, share):
        pass

    def finished(self, unit, result):
        if result != "cached":
            print(unit.label, result, flush=True)


def main(root, count):
    workspace = Workspace(Store(Path(root)), Machine("cpu"))
    outcome = run_units(plan(int(count)), workspace, Speaking())
    print(f"{len(outcome.computed)} computed, {len(outcome.failed)} failed", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
