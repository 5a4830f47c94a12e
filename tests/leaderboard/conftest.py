"""Makers of probes and cells for the tests of this folder."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from peephole.leaderboard.alignment import align
from peephole.leaderboard.base import Probes
from peephole.leaderboard.board import board
from peephole.leaderboard.cells import PROVENANCE, Cell
from peephole.leaderboard.picture_file import PICTURES, write_pictures
from peephole.leaderboard.scores import score_table
from peephole.leaderboard.tables import LEADERBOARD, SCORES, write_csv


@pytest.fixture(scope="session")
def probes_of() -> Callable[..., Probes]:
    """Probes with the given truth masks ``[N,T,H,W]`` and random pictures."""

    def make(mask: torch.Tensor) -> Probes:
        count, targets, height, width = mask.shape
        generator = torch.Generator().manual_seed(7)
        clean = torch.rand((count, 3, height, width), generator=generator)
        image = torch.where(mask.any(dim=1, keepdim=True), torch.ones(()), clean)
        return Probes(image, clean, mask, mask, torch.arange(targets).expand(count, targets))

    return make


@pytest.fixture(scope="session")
def soft_probes_of() -> Callable[..., Probes]:
    """Probes with the given soft truths ``[N,T,H,W]`` alone and random pictures."""

    def make(soft: torch.Tensor) -> Probes:
        count, targets, height, width = soft.shape
        image = torch.rand((count, 3, height, width), generator=torch.Generator().manual_seed(7))
        return Probes(image, image, None, None, torch.arange(targets).expand(count, targets), soft)

    return make


@pytest.fixture
def corner_mask() -> Callable[..., torch.Tensor]:
    """A mask ``[N,1,H,W]`` of a top-left square."""

    def make(count: int, side: int, square: int) -> torch.Tensor:
        mask = torch.zeros((count, 1, side, side), dtype=torch.bool)
        mask[..., :square, :square] = True
        return mask

    return make


@pytest.fixture
def cell_of() -> Callable[..., Cell]:
    """A cell with the given per-picture values; everything else has a default that can be overridden."""

    def make(value: object, **facts: object) -> Cell:
        values = np.asarray(value, dtype=np.float64)
        scored = np.asarray(facts.get("scored", np.ones(len(values), dtype=np.bool_)))
        if isinstance(facts.get("best"), float):
            facts["best"] = np.full(len(values), facts["best"])
        changed = {name: facts.pop(name) for name in PROVENANCE if name in facts}
        defaults: dict[str, object] = {
            "suite": "quick",
            "dataset": "shapes",
            "model": "resnet8",
            "trigger": "square",
            "seed": 0,
            "method": "gradient",
            "kind": "method",
            "layer": "input",
            "metric": "completeness",
            "chance": np.full(len(values), 0.25),
            "valid": np.ones(len(values), dtype=np.bool_),
            "scored": scored,
            "selection": np.zeros(len(values), dtype=np.bool_),
            "best": np.where(scored, 1.0, np.nan),
            "ms_per_image": 2.0,
            "passes": 1.0,
            "direction": "higher",
            "core": True,
            "certified": True,
            "provenance": {**dict.fromkeys(PROVENANCE, "x"), "suite_version": "v1", **changed},
        }
        return Cell(**{**defaults, "value": values, **facts})

    return make


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Write what a run writes of some cells, in a folder of the given name."""

    def write(cells: Sequence[Cell], name: str = "results") -> Path:
        folder = tmp_path / name
        write_csv(board(cells), folder / LEADERBOARD)
        write_csv(score_table(cells), folder / SCORES)
        write_pictures(align(cells), folder / PICTURES, (folder / LEADERBOARD, folder / SCORES))
        return folder

    return write
