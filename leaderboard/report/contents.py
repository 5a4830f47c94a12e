"""What a report is made of. Whoever collects it and whoever writes pages of it meet here; torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peephole.leaderboard.claim_result import ClaimResult, Reproduction
from peephole.leaderboard.kis_study import Sample
from peephole.leaderboard.stored_board import StoredBoard


@dataclass(frozen=True)
class Picture:
    """One question about one probe picture: why this label? Files are named relative to the report's folder, with
    ``/`` between folders, and are ``side`` × ``side`` pixels or a multiple of it.

    Attributes:
        place: its place in the probe set.
        target: the label that is explained.
        clean, stamped: the picture without and with the trigger.
        change: ``|x' − x|``, channels averaged, the largest value bright.
        truth: the mask or the graded truth.
        lost: the measured truth, the largest loss of success bright.
        change_max: the largest change, in [0,1].
        lost_max: the largest loss of success, in [0,1].
        outline: the border of the truth mask as the ``d`` of an SVG path in units of the pictures' pixels; empty where
            the truth is graded.
    """

    place: int
    target: int
    clean: str
    stamped: str
    change: str
    truth: str
    lost: str
    change_max: float
    lost_max: float
    outline: str = ""


@dataclass(frozen=True)
class MapSheet:
    """The maps of one method on one backdoor in one file: rows are questions, columns layers.

    Attributes:
        file: the picture file, relative to the report's folder.
        questions: which of the gallery's pictures the rows are, by their place there.
        layers: which layers the columns are.
        values: what the gallery's metric says of each map, ``[rows][columns]``; None where the map is invalid.
    """

    file: str
    questions: tuple[int, ...]
    layers: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class Gallery:
    """Pictures and maps of one poisoned model.

    Attributes:
        trigger, seed: which.
        side: height and width of a tile in the `MapSheet` files, in pixels.
        pictures: the questions that are shown.
        layers: the layers of all methods, in the network's order.
        metric: whose values stand under the maps.
        sheets: the maps, by method; methods come as on the board, calibration maps among them.
    """

    trigger: str
    seed: int
    side: int
    pictures: tuple[Picture, ...]
    layers: tuple[str, ...]
    metric: str
    sheets: Mapping[str, MapSheet]

    @property
    def files(self) -> set[str]:
        """All picture files."""
        names = ("clean", "stamped", "change", "truth", "lost")
        pictures = {str(getattr(picture, name)) for picture in self.pictures for name in names}
        return pictures | {sheet.file for sheet in self.sheets.values()}


@dataclass(frozen=True, eq=False)
class Curve:
    """The mean of what the network says while pixels are exchanged in the order of a method's maps.

    Attributes:
        method, layer, trigger: whose maps of which models' pictures, all seeds together.
        metric: the metric that is the area: ``morf``, ``lerf``, ``restore``, ``insert``.
        values: float64 ``[G]`` in [0,1] at `Contents.shares`, the mean over models of the mean over pictures.
        pictures: how many pictures.
    """

    method: str
    layer: str
    trigger: str
    metric: str
    values: NDArray[np.float64]
    pictures: int


@dataclass(frozen=True, eq=False)
class MeasuredTruth:
    """How much of an attack's success is lost when a cell of the mark is restored to the clean picture.

    Attributes:
        trigger, seed: which poisoned model.
        target: the label, or None where one is drawn for each picture.
        loss: float64 ``[rows,columns]``; NaN where a cell has no pixel of the mark.
        whole: the success with the whole mark.
        halves: the success without the upper, lower, left and right half, as far as they are known.
    """

    trigger: str
    seed: int
    target: int | None
    loss: NDArray[np.float64]
    whole: float
    halves: tuple[float, ...] = ()


def _nothing() -> pd.DataFrame:
    return pd.DataFrame()


@dataclass(frozen=True, eq=False)
class Contents:
    """Everything; whatever a folder lacks is empty here, and `missing` says so.

    Attributes:
        board: the board with its scores picture by picture, or None.
        scores: scores.csv.
        models: models.csv, the certificates.
        distributions, correctness: kis.csv and kis_correctness.csv.
        samples: what those are made of.
        fed_back: the method whose maps were fed back; empty if that is not known.
        galleries: pictures and maps, of the first seed's models.
        shares: float64 ``[G]``, the shares of exchanged pixels at which `curves` are known.
        curves: of all methods.
        measured: of all poisoned models.
        scale: the ticks of ``pictures/scale.png``, the colour scale of all maps: where, from 0 to 1, and what it says.
        descriptions: what each method is and where it comes from, as far as that is known, by its name.
        missing: sentences for people, each saying what is not there and what to do.
        claims: what became of the papers' claims, if any was examined; their figures are in the report's folder.
    """

    board: StoredBoard | None
    scores: pd.DataFrame = field(default_factory=_nothing)
    models: pd.DataFrame = field(default_factory=_nothing)
    distributions: pd.DataFrame = field(default_factory=_nothing)
    correctness: pd.DataFrame = field(default_factory=_nothing)
    samples: tuple[Sample, ...] = ()
    fed_back: str = ""
    galleries: tuple[Gallery, ...] = ()
    shares: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    curves: tuple[Curve, ...] = ()
    measured: tuple[MeasuredTruth, ...] = ()
    scale: tuple[tuple[float, str], ...] = ()
    descriptions: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    claims: Reproduction | None = None


def claim_figure(result: ClaimResult) -> str:
    """Where the figure of a claim is, relative to the report's folder."""
    return f"pictures/claims/{PurePath(result.figure).name}"
