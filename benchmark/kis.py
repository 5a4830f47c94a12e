"""The study of key information sufficiency that a run writes: two tables and a picture."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from peephole.kis_sheet import draw_kis
from peephole.leaderboard.kis_study import Sample, correctness_table, kis_table
from peephole.leaderboard.tables import write_csv
from peephole.plan import Plan
from peephole.units.kis_sample import KisSample, read_samples
from peephole.workspace import Workspace

DISTRIBUTIONS = "kis.csv"
CORRECTNESS = "kis_correctness.csv"
PICTURE = "kis.png"


@dataclass(frozen=True)
class KisResult:
    """What the study gives; no rows where nothing could be sampled.

    Attributes:
        distributions: how S is distributed, for each way to feed back, model and kind of pictures.
        correctness: whether S goes with being right, on the clean model.
        pictures: what was drawn.
    """

    distributions: pd.DataFrame
    correctness: pd.DataFrame
    pictures: tuple[Path, ...] = ()


def write_kis(plan: Plan, workspace: Workspace, available: Collection[str], folder: Path) -> KisResult:
    """Write tables and picture of the samples that are in the store; nothing if the suite asks for none."""
    units = [unit for unit in plan.samples if unit.digest in available]
    samples = all_samples(units, workspace)
    result = KisResult(kis_table(samples), correctness_table(samples))
    if not plan.samples:
        return result
    write_csv(result.distributions, folder / DISTRIBUTIONS)
    write_csv(result.correctness, folder / CORRECTNESS)
    key = "-".join(unit.digest[:16] for unit in units)
    drawn = draw_kis(samples, result.distributions, result.correctness, folder / PICTURE, key)
    return KisResult(result.distributions, result.correctness, tuple(drawn))


def all_samples(units: Iterable[KisSample], workspace: Workspace) -> list[Sample]:
    """What units of a plan found, with their seeds."""
    return [sample for unit in units for sample in read_samples(unit, unit.spec["seed"], workspace)]
