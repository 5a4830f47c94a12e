"""The maps of methods on a backdoor as picture files: rows are questions, columns layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.report.contents import MapSheet
from peephole.plan import Row
from peephole.report.colour_scale import colour_numbers, in_times_mean, palette
from peephole.report.picture import write_if_stale
from peephole.report.shown import Question, reduced, tile_side
from peephole.units.probe_set import covered, selection_of, share_of
from peephole.workspace import Workspace

VERSION = "1"
"""Raised when the same maps are drawn otherwise."""


def draw_maps(row: Row, questions: Sequence[Question], workspace: Workspace, folder: Path, file: str) -> MapSheet:
    """Write the maps of a row's method about those questions that it was asked; a file that is current is left alone.

    A map is shown as it is scored: signed, channels summed, up-sampled, and in the colours of
    `peephole.report.colour_scale`.

    Args:
        row: a method on a backdoor, with the scores whose first metric stands under the maps.
        questions: that are shown of the backdoor.
        workspace: to read maps and scores with.
        folder: of the report.
        file: the file's name, relative to it, with ``/`` between folders.

    Raises:
        DamagedShard: a shard is not what was written.
    """
    selection = selection_of(row.backdoor.probes, workspace)
    there = row.covered(selection)
    asked = [number for number, question in enumerate(questions) if question.place in there]
    own = [questions[number] for number in asked]
    layers = tuple(workspace.open(row.scores).facts["layers"])
    key = "-".join((VERSION, row.maps.digest[:16], *(f"{question.place}.{question.which}" for question in own)))
    draw = partial(_sheet, row=row, places=there, questions=own, layers=layers, workspace=workspace)
    write_if_stale(folder / file, key, draw, palette)
    return MapSheet(file, tuple(asked), layers, _values(row, own, selection, workspace))


def _sheet(
    *,
    row: Row,
    places: NDArray[np.int64],
    questions: Sequence[Question],
    layers: Sequence[str],
    workspace: Workspace,
) -> NDArray[np.uint8]:
    """The numbers of colours of all tiles, uint8 ``[rows·tile, columns·tile]``."""
    import torch

    from peephole.leaderboard.relevance import to_picture

    shard = workspace.open(row.maps)
    side = workspace.open(row.backdoor.probes).shape("image")[-1]
    pictures = np.unique([question.place for question in questions])
    at = np.searchsorted(pictures, [question.place for question in questions])
    which = [question.which for question in questions]
    columns = []
    for layer in layers:
        maps = shard.take(f"maps/{layer}", np.searchsorted(places, pictures))
        relevance = to_picture(torch.from_numpy(maps), (side, side)).numpy()[at, which]
        columns.append(colour_numbers(reduced(in_times_mean(relevance), tile_side(side))))
    return np.concatenate([column.reshape(-1, column.shape[-1]) for column in columns], axis=1)


def _values(
    row: Row, questions: Sequence[Question], selection: NDArray[np.bool_], workspace: Workspace
) -> tuple[tuple[float | None, ...], ...]:
    """What the row's first metric says of each map; None where it says nothing, or was not asked."""
    shard = workspace.open(row.scores)
    places = covered(selection, share_of(row.scores))
    value, valid, scored = (shard.read(name)[0] for name in ("value", "valid", "scored"))
    says = np.full((len(value), len(selection)), np.nan)
    says[:, places] = np.where(valid & scored, value, np.nan)
    asked = says[:, [question.place for question in questions]].T.tolist()
    return tuple(tuple(None if math.isnan(one) else one for one in line) for line in asked)
