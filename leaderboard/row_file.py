"""One method's row as a file that can be published: what people read, and every score that it follows from.

A board can be made from such files alone, with the same numbers to the last bit; torch-free.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from peephole.errors import PeepholeError
from peephole.leaderboard.array_texts import read_array
from peephole.leaderboard.cells import Cell, Direction, Kind
from peephole.leaderboard.levels import Levels
from peephole.leaderboard.row_summary import summary_of

FORMAT = "peephole row"
FORMAT_VERSION = 1


@dataclass(frozen=True, eq=False)
class PublishedRow:
    """One method on all models of a board, at every layer.

    Attributes:
        method, kind: whose row.
        place: of the method on the board that it was published from, from 0; boards made of rows keep this order.
        cells: its scores, in the order of the run.
        levels: of every model and metric of that board, those that the row lacks as well, so that what lacks is seen
            and a row of few pictures is scaled as the others are.
        summary: the numbers for people, as `summary_of` gives them.
        path: where it was read from, if it was.
    """

    method: str
    kind: Kind
    place: int
    cells: tuple[Cell, ...]
    levels: tuple[Levels, ...]
    summary: dict[str, Any]
    path: Path | None = None

    @property
    def name(self) -> str:
        """The row, for messages: its file if it has one."""
        return str(self.path) if self.path else f"the row of {self.method}"

    @property
    def content(self) -> str:
        """A digest of the scores and where they come from: of two rows with the same one, one is enough."""
        texts = (json.dumps([_facts(cell), _digests(cell)], sort_keys=True) for cell in self.cells)
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def published_rows(cells: Sequence[Cell], levels: Sequence[Levels], board: pd.DataFrame) -> list[PublishedRow]:
    """All rows of a board, each to be published.

    Args:
        cells: what the board was made of.
        levels: `levels_of` these cells.
        board: what `peephole.leaderboard.board.board` made of them.
    """
    own: dict[tuple[str, Kind], list[Cell]] = {}
    for cell in cells:
        own.setdefault((cell.method, cell.kind), []).append(cell)
    return [
        PublishedRow(method, kind, place, tuple(group), tuple(levels), summary_of(board, group))
        for place, ((method, kind), group) in enumerate(own.items())
    ]


def read_row(path: Path) -> PublishedRow:
    """Read what `peephole.leaderboard.row_text.row_text` wrote.

    Whether the numbers for people follow from the scores is not looked at here, see
    `peephole.leaderboard.row_summary.check_summaries`.

    Raises:
        PeepholeError: the file cannot be read, is none of ours or of another version, or is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PeepholeError(f"cannot read {path} ({error.strerror}); expected the file of a row") from error
    except ValueError as error:
        raise PeepholeError(f"{path} is no file of a row ({error}); expected {FORMAT} as JSON") from error
    found = (content.get("format"), content.get("version")) if isinstance(content, dict) else (None, None)
    if found[0] != FORMAT:
        raise PeepholeError(f"{path} is no file of a row; expected JSON with the format '{FORMAT}'")
    if found[1] != FORMAT_VERSION:
        raise PeepholeError(
            f"{path} is {FORMAT} version {found[1]}, this version of peephole reads version {FORMAT_VERSION}; have it "
            "written anew"
        )
    try:
        return _row(_File.model_validate(content, strict=True), content, path)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise PeepholeError(f"{path} is damaged ({place}: {first['msg']}); have it written anew") from error
    except PeepholeError as error:
        raise PeepholeError(f"{path} is damaged ({error}); have it written anew") from error


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Metric(_Part):
    metric: str
    direction: str
    core: bool
    layers: list[str]


class _Scores(_Part):
    pictures: int
    selection: str
    scored: str
    chance: str
    best: str
    value: str
    valid: str


class _Model(_Part):
    trigger: str
    seed: int
    certified: bool
    ms_per_image: float | None
    passes: float | None
    provenance: dict[str, str]
    metrics: list[_Metric]
    scores: _Scores


class _File(_Part):
    format: str
    version: int
    suite: str
    suite_version: str
    dataset: str
    model: str
    method: str
    kind: str
    place: int
    origin: dict[str, str]
    score_of: str
    layers: list[dict[str, Any]]
    models: list[_Model]


def _row(file: _File, content: dict[str, Any], path: Path) -> PublishedRow:
    cells: list[Cell] = []
    levels: list[Levels] = []
    for model in file.models:
        own_levels, own_cells = _read_model(file, model)
        levels += own_levels
        cells += own_cells
    if not cells or file.kind not in ("method", "calibration"):
        raise PeepholeError("it has no scores" if not cells else f"the kind is {file.kind}")
    summary = {name: content[name] for name in ("origin", "score_of", "layers")}
    return PublishedRow(file.method, cast("Kind", file.kind), file.place, tuple(cells), tuple(levels), summary, path)


def _read_model(file: _File, model: _Model) -> tuple[list[Levels], list[Cell]]:
    count, scores = len(model.metrics), model.scores
    pairs = sum(len(metric.layers) for metric in model.metrics)
    if scores.pictures < 0:
        raise PeepholeError("a model has less than no pictures")
    selection = read_array(scores.selection, "|b1", (scores.pictures,))
    scored = read_array(scores.scored, "|b1", (count, scores.pictures))
    chance, best = (read_array(text, "<f8", (count, scores.pictures)) for text in (scores.chance, scores.best))
    value = read_array(scores.value, "<f8", (pairs, scores.pictures))
    valid = read_array(scores.valid, "|b1", (pairs, scores.pictures))
    levels: list[Levels] = []
    cells: list[Cell] = []
    for place, metric in enumerate(model.metrics):
        if metric.direction not in ("higher", "lower"):
            raise PeepholeError(f"the direction of {metric.metric} is {metric.direction}")
        direction = cast("Direction", metric.direction)
        levels.append(
            Levels(
                trigger=model.trigger,
                seed=model.seed,
                metric=metric.metric,
                direction=direction,
                core=metric.core,
                certified=model.certified,
                selection=selection,
                chance=chance[place],
                best=best[place],
            )
        )
        for layer in metric.layers:
            cells.append(
                Cell(
                    suite=file.suite,
                    dataset=file.dataset,
                    model=file.model,
                    trigger=model.trigger,
                    seed=model.seed,
                    method=file.method,
                    kind=cast("Kind", file.kind),
                    layer=layer,
                    metric=metric.metric,
                    scored=scored[place],
                    value=value[len(cells)],
                    chance=np.where(scored[place], chance[place], np.nan),
                    best=np.where(scored[place], best[place], np.nan),
                    valid=valid[len(cells)],
                    selection=selection,
                    ms_per_image=float("nan") if model.ms_per_image is None else model.ms_per_image,
                    passes=float("nan") if model.passes is None else model.passes,
                    direction=direction,
                    core=metric.core,
                    certified=model.certified,
                    provenance=model.provenance,
                )
            )
    if any(cell.provenance["suite_version"] != file.suite_version for cell in cells):
        raise PeepholeError(f"the suite version is {file.suite_version}, that of a model is another")
    return levels, cells


ARRAYS = ("scored", "value", "chance", "best", "valid", "selection")


def _facts(cell: Cell) -> list[Any]:
    names = ("suite", "dataset", "model", "trigger", "seed", "method", "kind", "layer", "metric", "direction", "core")
    numbers = [number_or_none(cell.ms_per_image), number_or_none(cell.passes), cell.certified]
    return [*(getattr(cell, name) for name in names), *numbers, dict(cell.provenance)]


def _digests(cell: Cell) -> list[str]:
    return [hashlib.sha256(np.ascontiguousarray(getattr(cell, name)).tobytes()).hexdigest() for name in ARRAYS]


def number_or_none(value: float) -> float | None:
    """A number as JSON has it, None for NaN."""
    return None if np.isnan(value) else float(value)
