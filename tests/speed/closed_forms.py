"""What the metrics cost that need nothing but maps and their truth, and how much memory scores take."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import torch

from peephole.leaderboard.applicability import need_of
from peephole.leaderboard.base import METRICS, Probes
from peephole.leaderboard.scoring import score_maps

SIDE, PIECE = 32, 1024


def probes(count: int, targets: int, seed: int) -> Probes:
    """Pictures with a mask of 9x9 pixels for each target in another place, and a graded truth."""
    generator = torch.Generator().manual_seed(seed)
    clean = torch.rand(count, 3, SIDE, SIDE, generator=generator)
    mask = torch.zeros(count, targets, SIDE, SIDE, dtype=torch.bool)
    corner = torch.randint(SIDE - 9, (count, targets, 2), generator=generator)
    place = torch.arange(SIDE)
    row, column = ((place >= corner[..., axis, None]) & (place < corner[..., axis, None] + 9) for axis in (0, 1))
    mask |= row[..., :, None] & column[..., None, :]
    soft = torch.rand(count, targets, SIDE, SIDE, generator=generator)
    return Probes(clean, clean, mask, mask, torch.arange(targets).expand(count, -1), soft)


def closed_forms(maps: int) -> dict[str, float]:
    """Seconds that each metric takes for so many maps at the picture's resolution, in pieces."""
    seconds = {}
    for name in METRICS.names():
        if need_of(name) != "maps":
            continue
        targets = 2 if name == "class_sensitivity" else 1
        metric, spent = METRICS[name](), 0.0
        for first in range(0, maps, PIECE):
            count = min(PIECE, maps - first) // targets
            given, relevance = probes(count, targets, first), torch.randn(count, targets, 1, SIDE, SIDE)
            start = time.perf_counter()
            score_maps({name: metric}, relevance, given)
            spent += time.perf_counter() - start
        seconds[name] = spent
    return seconds


def print_closed_forms(maps: int) -> None:
    """The table, and its sum."""
    seconds = closed_forms(maps)
    print(
        f"\n{maps} maps of {SIDE}x{SIDE}, {torch.get_num_threads()} CPU threads; bringing them to the picture included"
    )
    for name, spent in seconds.items():
        print(f"{name:32}{spent:9.2f} s")
    print(f"{'together':32}{sum(seconds.values()):9.2f} s")


def print_memory(counts: tuple[int, ...]) -> None:
    """Peak memory of scoring stored maps, each count in a process of its own."""
    print("\npeak memory of scoring stored maps by all these metrics and by restore")
    for count in counts:
        command = [sys.executable, str(__file__).replace("closed_forms", "stored_maps"), str(count)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"{count:8} probes: {found['peak'] / 1e6:7.0f} MB, {found['before'] / 1e6:.0f} MB of it before; "
            f"maps and probes on disk {found['disk'] / 1e6:.0f} MB"
        )
