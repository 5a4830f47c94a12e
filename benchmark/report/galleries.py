"""The pictures of a report: of the first seed's backdoor of each trigger."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from peephole.leaderboard.layer_order import network_order
from peephole.leaderboard.report.contents import Gallery
from peephole.leaderboard.report.subject import stems
from peephole.plan import Backdoor, Plan, Row
from peephole.report.colour_scale import draw_scale
from peephole.report.map_sheets import draw_maps
from peephole.report.probe_pictures import draw_probes
from peephole.report.shown import questions_of, tile_side
from peephole.workspace import Workspace

PICTURES = "pictures"
SCALE = f"{PICTURES}/scale.png"
"""The colour bar of all maps."""


def draw_galleries(
    plan: Plan, workspace: Workspace, available: Collection[str], folder: Path
) -> tuple[tuple[Gallery, ...], tuple[str, ...]]:
    """Write the pictures of each trigger of which there are maps.

    Args:
        plan: of the run.
        workspace: to read its store with.
        available: digests of the units whose results are there.
        folder: of the report; pictures go to ``pictures/`` in it.

    Returns:
        The galleries, and sentences that say what could not be shown.

    Raises:
        DamagedShard: a shard is not what was written.
    """
    galleries, missing = [], []
    triggers = stems(backdoor.trigger for backdoor in plan.first)
    methods = stems(dict.fromkeys(row.method for row in plan.rows))
    for backdoor in plan.first:
        where = f"{backdoor.trigger}, seed {backdoor.seed}"
        rows = _one_a_method(row for row in plan.rows if row.backdoor is backdoor)
        there = [row for row in rows if _is_there(row, available)]
        if not there:
            missing.append(f"There are no pictures of {where}: its maps are not in the store; do the run once more.")
            continue
        if len(there) < len(rows):
            lost = [row.method for row in rows if row not in there]
            missing.append(f"There are no maps on {where} of {', '.join(lost)}; do the run once more.")
        stem = f"{PICTURES}/{triggers[backdoor.trigger]}-seed{backdoor.seed}"
        galleries.append(_gallery(backdoor, there, workspace, folder, stem, methods))
    if galleries:
        draw_scale(folder / SCALE)
    return tuple(galleries), tuple(missing)


def _one_a_method(rows: Iterable[Row]) -> list[Row]:
    """Of each method the first row that needs maps alone: of all its pictures; where there is none, the first."""
    first: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: row.need != "maps"):
        first.setdefault(row.method, row)
    return list(first.values())


def _is_there(row: Row, available: Collection[str]) -> bool:
    backdoor = row.backdoor
    return all(unit.digest in available for unit in (row.maps, row.scores, backdoor.probes, backdoor.model))


def _gallery(
    backdoor: Backdoor, rows: list[Row], workspace: Workspace, folder: Path, stem: str, methods: dict[str, str]
) -> Gallery:
    probes = workspace.open(backdoor.probes)
    questions, side = questions_of(probes.read("selection"), probes.read("target")), probes.shape("image")[-1]
    pictures = draw_probes(backdoor, questions, workspace, folder, f"{stem}/probes")
    sheets = {
        row.method: draw_maps(row, questions, workspace, folder, f"{stem}/{methods[row.method]}.png") for row in rows
    }
    return Gallery(
        backdoor.trigger,
        backdoor.seed,
        tile_side(side),
        pictures,
        tuple(network_order(sheet.layers for sheet in sheets.values())),
        rows[0].metrics[0],
        sheets,
    )
