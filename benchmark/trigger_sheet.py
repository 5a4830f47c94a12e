"""One picture of all triggers of a run: what they change, where the truth is, and which of it the model needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.files import write_atomically
from peephole.labels import broken
from peephole.plan import Backdoor, Plan
from peephole.sheet import KEY, Sheet, is_current
from peephole.workspace import Workspace

COLOURS = "magma"
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
            clean, image = (probes[name][probe].transpose(1, 2, 0) for name in ("clean", "image"))
            outline = probes["mask"][probe].any(0) if "mask" in probes else np.zeros(clean.shape[:2], np.bool_)
            change = np.abs(image - clean).mean(2)
            truth = outline.astype(np.float32) if "mask" in probes else probes["soft"][probe].max(0)
            lost = _lost(probes["exact"][probe], probes["target"][probe], certificate)
            tiles = (
                clean,
                image,
                _coloured(change / (change.max() or 1)),
                _coloured(truth),
                _coloured(lost / (lost.max() or 1)),
            )
            captions = (None, None, f"up to {change.max():.2f}", None, f"up to {lost.max():.0%}")
            for column, (tile, caption) in enumerate(zip(tiles, captions, strict=True), start):
                sheet.put(row, column, tile, outline if column != start else np.zeros_like(outline), caption)
    for column in range(PICTURES * len(COLUMNS)):
        sheet.heading(column, COLUMNS[column % len(COLUMNS)])
    sheet.title(
        "Triggers on two pictures each: what they change, where the truth is (green outline, or graded), and how much "
        "of the attack's success is lost without a part"
    )
    sheet.save(path, {KEY: key})


def _lost(exact: NDArray[np.bool_], targets: NDArray[np.int64], certificate: Mapping[str, Any]) -> NDArray[np.float64]:
    """The measured truth at each pixel of a picture ``[S,S]``, in [0,1]; of several marks, each in its place.

    Args:
        exact: bool ``[T,S,S]``, what the marks cover.
        targets: int64 ``[T]``, their labels.
        certificate: as it is stored.
    """
    import torch

    from peephole.triggers.cells import cells

    picture = np.zeros(exact.shape[1:])
    for support, label in zip(exact, targets.tolist(), strict=True):
        # The line of this label, or that of all of them where one was drawn for each picture.
        target = next(each for each in certificate["targets"] if each["target"] in (label, None))
        hits, total = target["whole"]
        rates = np.array([[cell[0] / cell[1] if cell[1] else np.nan for cell in row] for row in target["cells"]])
        lost = np.nan_to_num((hits / total if total else 0) - rates).clip(0)
        cell = cells(torch.from_numpy(np.array(support))[None], len(rates))[0].numpy()
        picture = np.where(cell >= 0, lost.flatten()[cell.clip(0)], picture)
    return picture


def _coloured(values: NDArray[Any]) -> NDArray[np.float64]:
    import matplotlib

    colours: NDArray[np.float64] = matplotlib.colormaps[COLOURS](values)
    return colours[..., :3]
