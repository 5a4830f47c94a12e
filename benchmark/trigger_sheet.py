"""One picture of all triggers of a run: what they change, where the truth is, and which of it the model needs."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.files import write_atomically
from peephole.labels import broken
from peephole.plan import Backdoor, Plan
from peephole.probe_tiles import brightest, coloured, probe_tiles
from peephole.sheet import KEY, Sheet, is_current
from peephole.workspace import Workspace

VERSION = "2"
"""Raised when the same probes are drawn otherwise."""
PICTURES = 2
COLUMNS = ("clean", "with trigger", "change", "truth", "success lost")
LETTERS = 15
"""Letters of a trigger's name that fit beside a row."""


def draw_triggers(plan: Plan, workspace: Workspace, available: Collection[str], path: Path) -> list[Path]:
    """Write ``path``: a row for the first seed's backdoor of each trigger, `PICTURES` probes each.

    Columns are the clean picture, the stamped one, the change ``|x' − x|`` (channels averaged, its largest value is
    bright), the truth (the mask, outlined everywhere, or the graded truth), and the measured truth: how much of the
    attack's success is lost when a cell of the mark is restored, the largest loss bright and its number below.

    Returns:
        The path, if there is anything to show.
    """
    backdoors = [one for one in plan.first if one.probes.digest in available]
    if backdoors:
        key = "-".join((VERSION, *(one.probes.digest[:16] for one in backdoors)))
        if not is_current(path, key):
            write_atomically(path, partial(_draw, key=key, backdoors=backdoors, workspace=workspace))
    return [path] if backdoors else []


def _draw(path: Path, *, key: str, backdoors: list[Backdoor], workspace: Workspace) -> None:
    first = workspace.read(backdoors[0].probes).arrays
    sheet = Sheet(len(backdoors), PICTURES * len(COLUMNS), first["image"].shape[-1])
    for row, backdoor in enumerate(backdoors):
        probes = workspace.read(backdoor.probes).arrays
        certificate = workspace.store.facts(backdoor.model.kind, backdoor.model.digest)["certificate"]
        sheet.name(row, "\n".join(broken(backdoor.trigger, LETTERS)))
        for number, probe in enumerate(np.flatnonzero(~probes["selection"])[:PICTURES]):
            start = number * len(COLUMNS)
            tiles = probe_tiles({name: array[probe] for name, array in probes.items()}, certificate)
            change, lost = tiles.change, tiles.lost
            graded = (coloured(brightest(change)), coloured(tiles.truth), coloured(brightest(lost)))
            pictures: tuple[NDArray[Any], ...] = (tiles.clean, tiles.stamped, *graded)
            captions = (None, None, f"up to {change.max():.2f}", None, f"up to {lost.max():.0%}")
            for column, (tile, caption) in enumerate(zip(pictures, captions, strict=True), start):
                sheet.put(row, column, tile, tiles.mask & (column != start), caption)
    for column in range(PICTURES * len(COLUMNS)):
        sheet.heading(column, COLUMNS[column % len(COLUMNS)])
    sheet.title(
        "Triggers on two pictures each: what they change, where the truth is (green outline, or graded), and how much "
        "of the attack's success is lost without a part"
    )
    sheet.save(path, {KEY: key})
