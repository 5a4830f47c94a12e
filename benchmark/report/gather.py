"""All that a report shows of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from peephole.leaderboard.curve_shares import curve_shares
from peephole.leaderboard.report.contents import Contents
from peephole.plan import Plan
from peephole.report.claims import with_claims
from peephole.report.colour_scale import ticks
from peephole.report.curves import mean_curves
from peephole.report.descriptions import descriptions
from peephole.report.galleries import draw_galleries
from peephole.report.measured import measured_truths
from peephole.report.tables import gather_tables
from peephole.units.kis_sample import read_samples
from peephole.workspace import Workspace


def gather(plan: Plan, workspace: Workspace, available: Collection[str], folder: Path, site: Path) -> Contents:
    """Collect the tables of a run and what its store tells beside them, and draw the pictures.

    Args:
        plan: of the run.
        workspace: to read its store with.
        available: digests of the units whose results are there.
        folder: of the run.
        site: the folder of the report, where pictures are written.

    Returns:
        What is there; sentences in `Contents.missing` tell what is not.

    Raises:
        PeepholeError: the folder holds no results.
        DamagedShard: a shard is not what was written.
    """
    tables = gather_tables(folder)
    galleries, without = draw_galleries(plan, workspace, available, site)
    samples = [unit for unit in plan.samples if unit.digest in available]
    curves = mean_curves(plan, workspace, available)
    contents = replace(
        tables,
        samples=tuple(sample for unit in samples for sample in read_samples(unit, unit.spec["seed"], workspace)),
        fed_back="; ".join(dict.fromkeys(unit.spec["method"] for unit in samples)),
        galleries=galleries,
        shares=curve_shares(),
        curves=curves,
        measured=measured_truths(plan, workspace, available),
        scale=ticks(),
        descriptions=descriptions(plan, workspace.submissions),
        missing=(*tables.missing, *without, *_without(plan, available, any_curves=bool(curves))),
    )
    return with_claims(contents, folder, site)


def _without(plan: Plan, available: Collection[str], *, any_curves: bool) -> Iterator[str]:
    """What the store lacks, in sentences."""
    for what, units in (
        ("certificates", {backdoor.model for backdoor in plan.backdoors}),
        ("samples of key information", set(plan.samples)),
        ("scores", {row.scores for row in plan.rows}),
    ):
        lost = sum(unit.digest not in available for unit in units)
        if lost:
            yield f"{lost} of {len(units)} {what} are not in the store; do the run once more."
    if not any_curves and any(row.need == "network" for row in plan.rows):
        yield "There are no curves of exchanged pixels: the store has none; do the run once more."
