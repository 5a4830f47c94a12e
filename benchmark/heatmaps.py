"""The picture of a run: for each backdoor, what every method highlights at every layer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from peephole.files import write_atomically
from peephole.labels import broken
from peephole.plan import Backdoor, Plan, Row
from peephole.workspace import Workspace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = "RdBu_r"
TRUTH = "#00a651"
KEY = "peephole-key"
BLOCKS = 2
LEFT = 1.25
"""Inches for the methods' names."""
LETTERS = 15
"""Letters of a name that fit there."""
TOP = 0.6
"""Inches for the title and the layers' names."""


@dataclass(frozen=True)
class Block:
    """One explanation to show: picture number ``probe`` explained for its target number ``which``."""

    probe: int
    which: int
    heading: str


def draw_heatmaps(plan: Plan, workspace: Workspace, available: Collection[str], folder: Path) -> list[Path]:
    """Write ``folder/TRIGGER.png`` for the first seed's backdoor of each trigger; what is up to date is left alone.

    Rows are methods, columns the picture and the layers. A map is shown signed, channels summed and up-sampled as it
    is scored, red for and blue against the decision, each scaled by its own largest magnitude; the outline is the
    truth mask, the number under a map its score (``invalid`` where the map is nowhere positive).
    """
    written = []
    for backdoor in plan.backdoors:
        rows = [
            row
            for row in plan.rows
            if row.backdoor is backdoor and not row.is_calibration and row.scores.digest in available
        ]
        path = folder / f"{backdoor.trigger}.png"
        if backdoor.seed == 0 and rows:
            key = "-".join(row.scores.digest[:16] for row in rows)
            if not _is_current(path, key):
                write_atomically(path, partial(_draw, key=key, backdoor=backdoor, rows=rows, workspace=workspace))
            written.append(path)
    return written


def _is_current(path: Path, key: str) -> bool:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return image.info.get(KEY) == key
    except (FileNotFoundError, UnidentifiedImageError):
        return False


def _draw(path: Path, *, key: str, backdoor: Backdoor, rows: list[Row], workspace: Workspace) -> None:
    from matplotlib.figure import Figure

    probes = workspace.read(backdoor.probes).arrays
    blocks = _blocks(probes)
    layers = _layers(rows, workspace)
    columns = len(layers) + 1
    width, height = 0.95 * len(blocks) * columns + LEFT, 1.12 * len(rows) + TOP
    figure = Figure(figsize=(width, height))
    # Fixed places: matplotlib's layout engines take seconds for a hundred panels.
    figure.subplots_adjust(LEFT / width, 0.25 / height, 0.995, 1 - TOP / height, wspace=0.06, hspace=0.22)
    grid: Any = figure.subplots(len(rows), len(blocks) * columns, squeeze=False)
    for line, row in enumerate(rows):
        maps = workspace.read(row.maps).group("maps")
        shard = workspace.read(row.scores)
        scores, lines = shard.arrays, shard.facts["layers"]
        places = row.covered(probes["selection"]).tolist()
        name = "\n".join(broken(row.method, LETTERS))
        grid[line, 0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        for number, block in enumerate(blocks):
            cells = grid[line, number * columns : (number + 1) * columns]
            mask = probes["mask"][block.probe, block.which]
            _show_picture(cells[0], probes["image"][block.probe], mask)
            for cell, layer in zip(cells[1:], layers, strict=True):
                if layer not in maps or block.probe not in places:
                    cell.set_axis_off()
                    continue
                picture = places.index(block.probe)
                _show_map(cell, maps[layer][picture, block.which], mask)
                place = (lines.index(layer), picture)
                score = f"{scores['value'][place]:.2f}" if scores["valid"][place] else "invalid"
                cell.set_xlabel(score, fontsize=7, labelpad=1)
            if line == 0:
                cells[0].set_title(block.heading, fontsize=8)
                for cell, layer in zip(cells[1:], layers, strict=True):
                    cell.set_title(layer, fontsize=8)
    metric = rows[0].metric.replace("_", " ")
    figure.suptitle(
        f"Backdoor '{backdoor.trigger}': red speaks for the label, blue against it; green outlines the truth mask; the "
        f"number is {metric}" + (" of both labels together" if probes["target"].shape[1] > 1 else ""),
        fontsize=9,
        y=1 - 0.1 / height,
        va="top",
    )
    figure.savefig(path, format="png", dpi=110, metadata={KEY: key})


def _layers(rows: list[Row], workspace: Workspace) -> list[str]:
    """The layers of all rows, in the network's order: a method may have maps at some of them only."""
    order: TopologicalSorter[str] = TopologicalSorter()
    for row in rows:
        layers = workspace.read(row.scores).facts["layers"]
        order.add(layers[0])
        for below, above in pairwise(layers):
            order.add(above, below)
    return list(order.static_order())


def _blocks(probes: Any) -> list[Block]:
    """Two blocks: two pictures, or one picture explained for each of its two targets."""
    shown = np.flatnonzero(~probes["selection"])
    targets = probes["target"]
    if targets.shape[1] > 1:
        first = int(shown[0])
        return [Block(first, which, f"label {targets[first, which]}") for which in range(targets.shape[1])]
    return [Block(int(probe), 0, f"label {targets[probe, 0]}") for probe in shown[:BLOCKS]]


def _show_picture(axes: Axes, image: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
    axes.imshow(image.transpose(1, 2, 0), interpolation="nearest")
    _finish(axes, mask)


def _show_map(axes: Axes, values: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
    import torch

    from peephole.leaderboard.relevance import to_picture

    side = (mask.shape[0], mask.shape[1])
    picture = to_picture(torch.from_numpy(np.array(values))[None, None], side)[0, 0].numpy()
    limit = float(np.abs(picture).max()) or 1.0
    axes.imshow(picture, cmap=COLOURS, vmin=-limit, vmax=limit, interpolation="nearest")
    _finish(axes, mask)


def _finish(axes: Axes, mask: NDArray[np.bool_]) -> None:
    axes.contour(mask, levels=[0.5], colors=TRUTH, linewidths=0.9)
    axes.set_xticks([])
    axes.set_yticks([])
