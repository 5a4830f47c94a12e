"""The picture of a run: for each backdoor, what every method highlights at every layer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.files import write_atomically
from peephole.labels import broken, file_name
from peephole.leaderboard.layer_order import network_order
from peephole.plan import Backdoor, Plan, Row
from peephole.report.colour_scale import LIMIT, coloured
from peephole.sheet import KEY, SCREEN, Measures, Sheet, is_current
from peephole.workspace import Workspace

VERSION = "2"
"""Raised when the same maps are drawn otherwise."""
ORACLE = "oracle"
BLOCKS = 2
LETTERS = 15
"""Letters of a method's name that fit beside a row."""
LETTER = 0.6
"""Width of a letter to the size of the text, about."""


@dataclass(frozen=True)
class Block:
    """One explanation to show: picture number ``probe`` explained for its target number ``which``."""

    probe: int
    which: int
    heading: str


def draw_heatmaps(plan: Plan, workspace: Workspace, available: Collection[str], folder: Path) -> list[Path]:
    """Write a picture to ``folder`` for the first seed's backdoor of each trigger; what is up to date is left alone.

    Rows are methods, columns the picture and the layers. A map is shown signed, channels summed and up-sampled as it
    is scored, red for and blue against the decision, in times its own mean magnitude (see
    `peephole.report.colour_scale`); the outline is the truth mask, the number under a map its score (``invalid`` where
    the map is nowhere positive).
    """
    written = []
    for backdoor in plan.first:
        rows = heatmap_rows(plan, backdoor, workspace, available)
        path = folder / f"{file_name(backdoor.trigger)}.png"
        if rows:
            key = "-".join((VERSION, *(row.scores.digest[:16] for row in rows)))
            if not is_current(path, key):
                write_atomically(path, partial(_draw, key=key, backdoor=backdoor, rows=rows, workspace=workspace))
            written.append(path)
    return written


def heatmap_rows(plan: Plan, backdoor: Backdoor, workspace: Workspace, available: Collection[str]) -> list[Row]:
    """The rows to show of a backdoor: its methods whose scores are ``available``, and the oracle where it is needed."""
    rows = [
        row for row in plan.rows if row.backdoor is backdoor and row.need == "maps" and row.scores.digest in available
    ]
    graded = bool(rows) and "mask" not in workspace.read(backdoor.probes).arrays
    # A graded truth cannot be outlined: it is shown as the map of the oracle.
    oracle = [row for row in rows if graded and row.method == ORACLE]
    return [*oracle, *(row for row in rows if not row.is_calibration)]


def _draw(path: Path, *, key: str, backdoor: Backdoor, rows: list[Row], workspace: Workspace) -> None:
    sheet, text = heatmap_sheet(backdoor, rows, workspace)
    sheet.title(text)
    sheet.save(path, {KEY: key})


def heatmap_sheet(
    backdoor: Backdoor,
    rows: Sequence[Row],
    workspace: Workspace,
    *,
    pictures: int = BLOCKS,
    measures: Callable[[int], Measures] = lambda columns: SCREEN,
) -> tuple[Sheet, str]:
    """A sheet without a title, and what it shows in words.

    Args:
        backdoor: what was planted.
        rows: see `heatmap_rows`; at least one.
        workspace: to read the store with.
        pictures: how many are explained; of a trigger with several targets, one is, for each of them.
        measures: how large things are, by the number of columns.
    """
    probes = workspace.read(backdoor.probes).arrays
    blocks = _blocks(probes, pictures)
    layers = network_order(workspace.read(row.scores).facts["layers"] for row in rows)
    masks = probes.get("mask", np.zeros_like(probes["exact"]))
    columns = len(blocks) * (len(layers) + 1)
    size = measures(columns)
    sheet = Sheet(len(rows), columns, probes["image"].shape[-1], size)
    for line, row in enumerate(rows):
        maps = workspace.read(row.maps).group("maps")
        shard = workspace.read(row.scores)
        value, valid, lines = shard.arrays["value"][0], shard.arrays["valid"][0], shard.facts["layers"]
        places = row.covered(probes["selection"]).tolist()
        sheet.name(line, "\n".join(broken(row.method, LETTERS)))
        for number, block in enumerate(blocks):
            first = number * (len(layers) + 1)
            mask = masks[block.probe, block.which]
            sheet.put(line, first, probes["image"][block.probe].transpose(1, 2, 0), mask)
            for column, layer in enumerate(layers, start=first + 1):
                if layer in maps and block.probe in places:
                    picture = places.index(block.probe)
                    place = (lines.index(layer), picture)
                    score = f"{value[place]:.2f}" if valid[place] else "invalid"
                    sheet.put(line, column, _coloured(maps[layer][picture, block.which], mask), mask, score)
    letters = int(size.tile * 72 / (LETTER * size.text))
    for number, block in enumerate(blocks):
        for column, heading in enumerate((block.heading, *layers), start=number * (len(layers) + 1)):
            sheet.heading(column, "\n".join(broken(heading, letters)))
    truth = "green outlines the truth mask" if "mask" in probes else "the truth is graded: it is the oracle's map"
    metric = rows[0].metrics[0].replace("_", " ")
    return sheet, (
        f"Backdoor {backdoor.trigger}: red speaks for the label, blue against it, in times the map's mean magnitude, "
        f"dark at {LIMIT:g}; {truth}; the number is {metric}"
        + (" of both labels together" if probes["target"].shape[1] > 1 else "")
    )


def _blocks(probes: Any, pictures: int) -> list[Block]:
    """Some pictures, or one picture explained for each of its two targets."""
    shown = np.flatnonzero(~probes["selection"])
    targets = probes["target"]
    if targets.shape[1] > 1:
        first = int(shown[0])
        return [Block(first, which, f"label {targets[first, which]}") for which in range(targets.shape[1])]
    return [Block(int(probe), 0, f"label {targets[probe, 0]}") for probe in shown[:pictures]]


def _coloured(values: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A map ``[c,h,w]`` as colours ``[H,W,3]``."""
    import torch

    from peephole.leaderboard.relevance import to_picture

    side = (mask.shape[0], mask.shape[1])
    return coloured(to_picture(torch.from_numpy(np.array(values))[None, None], side)[0, 0].double().numpy())
