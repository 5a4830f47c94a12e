"""Units that need no torch, of which a test can say how they go."""

import os
import signal
import time
from pathlib import Path
from typing import ClassVar

import numpy as np

from peephole.store.shard import Shard
from peephole.units.base import Cost, Unit


class Sum(Unit):
    """Adds ``number`` to the sum of its inputs.

    A number of None fails. ``after`` is how long it takes, in seconds. ``kill`` is a folder with a file for each
    process that is to be killed; ``diary`` is one that gets a file for each process that begins.
    """

    kind: ClassVar[str] = "sum"
    version: ClassVar[int] = 1

    def cost(self):
        return Cost("resnet8", passes=0)

    def compute(self, workspace):
        if diary := self.spec.get("diary"):
            (Path(diary) / f"{self.label}-{os.getpid()}-{time.time_ns()}").touch()
        for file in sorted(Path(self.spec["kill"]).iterdir())[:1] if self.spec.get("kill") else ():
            file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        end = time.monotonic() + self.spec.get("after", 0)
        while time.monotonic() < end:
            time.sleep(0.01)
        if self.spec["number"] is None:
            raise ValueError("no number\nwith a second line")
        return Shard({"x": np.array([self.spec["number"] + sum(value(workspace, u) for u in self.inputs.values())])})


def value(workspace, unit):
    return int(workspace.read(unit).arrays["x"][0])


def one(label, number, inputs=None, **spec):
    return Sum({"number": number, "label": label, **spec}, inputs or {}, label=label)


def begun(diary):
    """How often each unit was begun."""
    counts: dict[str, int] = {}
    for file in Path(diary).iterdir():
        label = file.name.rsplit("-", 2)[0]
        counts[label] = counts.get(label, 0) + 1
    return counts
