"""Score stored maps as a run does, in a process of its own: prints peak memory as JSON.

python tests/speed/stored_maps.py 10000
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from closed_forms import SIDE, probes

from peephole.leaderboard.examined import Examined
from peephole.machine import Machine
from peephole.options import Options
from peephole.runner import plan_run
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.units.base import Unit
from peephole.workspace import Workspace


def units(count: int) -> tuple[Unit, Unit]:
    """Of so many reported probes: the scores of a method by all metrics that need maps alone, and by those that ask."""
    options = Options(samples=count, seeds=1, triggers=("square",), methods=("gradient",))
    found = {row.need: row.scores for row in plan_run("quick", options=options).rows if row.method == "gradient"}
    return found["maps"], found["network"]


def write(closed: Unit, workspace: Workspace) -> None:
    """Put probes and maps in the store."""
    spec = closed.inputs["probes"].spec
    given = probes(spec["report"] + spec["selection"], 1, 0)
    stamped = torch.where(given.mask, 1.0, given.clean)
    known = {"image": stamped, "clean": given.clean, "mask": given.mask, "exact": given.mask, "target": given.target}
    selection = torch.arange(len(stamped)) >= spec["report"]
    layers = {"input": (3, SIDE), "layer1.0": (1, SIDE // 2)}
    maps = {f"maps/{name}": torch.randn(len(stamped), 1, c, side, side) for name, (c, side) in layers.items()}
    for role, tensors in (("probes", {**known, "selection": selection}), ("maps", maps)):
        unit = closed.inputs[role]
        shard = Shard({name: tensor.numpy() for name, tensor in tensors.items()})
        workspace.store.write(unit.kind, unit.digest, unit.identity, shard, 0.0)


def score(closed: Unit, asking: Unit, workspace: Workspace) -> None:
    """By a linear network, which needs no memory to speak of."""
    linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * SIDE * SIDE, 10)).requires_grad_(False)
    steps = asking.spec["steps"]
    examined = Examined(torch.nn.Identity(), linear.eval(), steps=steps)
    closed.compute(workspace)
    workspace.keep(("examined", asking.inputs["network"].digest, steps), lambda: examined)
    asking.inputs["levels"].compute(workspace)


def peak() -> int:
    """The most memory that this process has held since it began, in bytes (Linux)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main(count: int, folder: Path | None) -> None:
    """Write in a process of its own, then score."""
    torch.set_num_threads(1)
    closed, asking = units(count)
    if folder is not None:
        write(closed, Workspace(Store(folder), Machine("cpu")))
        return
    with TemporaryDirectory() as made:
        subprocess.run([sys.executable, __file__, str(count), made], check=True)
        disk = sum(path.stat().st_size for path in Path(made).rglob("*.h5"))
        before = peak()
        score(closed, asking, Workspace(Store(Path(made)), Machine("cpu")))
    print(json.dumps({"peak": peak(), "before": before, "disk": disk}))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
