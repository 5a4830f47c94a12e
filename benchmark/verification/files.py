"""The files of a run beside what its store gives; torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from peephole.cells import collect
from peephole.certificates import MODELS, certificate_table
from peephole.errors import PeepholeError
from peephole.leaderboard import alignment
from peephole.leaderboard.alignment import align
from peephole.leaderboard.board import board
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.levels import levels_of
from peephole.leaderboard.row_file import published_rows, read_row
from peephole.leaderboard.row_folder import ROWS, row_file_name
from peephole.leaderboard.scores import IDENTITY, score_table
from peephole.leaderboard.tables import LEADERBOARD, SCORES
from peephole.plan import Plan
from peephole.request import Request
from peephole.verification.finding import Finding
from peephole.verification.published import compare_pictures, compare_rows
from peephole.verification.staleness import LINE, Key
from peephole.verification.tables import compare_table
from peephole.workspace import Workspace

ROW = ("method", "kind", "layer")


@dataclass
class Files:
    """The files of a run beside what its store gives."""

    folder: Path
    request: Request
    plan: Plan
    workspace: Workspace
    sound: frozenset[str]
    scores: pd.DataFrame
    lost: frozenset[Key]

    def __post_init__(self) -> None:
        self.cells: list[Cell] = []
        self.notes: list[str] = []

    def compare(self) -> list[Finding]:
        """All that the files say otherwise. Where scores are stale, the board is made with their published rows."""
        layers = self.request.options.layers
        self.cells = collect(self.plan, self.workspace, self.sound, layers)
        findings = compare_table(
            self.folder / SCORES, score_table(self.cells), IDENTITY, _row_of, lambda line: self._is_lost(line)
        )
        certificates = certificate_table(self.plan, self.workspace, self.sound)
        models = {(trigger, seed) for trigger, seed, *_ in self.lost}
        findings += compare_table(
            self.folder / MODELS,
            certificates,
            ("trigger", "seed", "target"),
            lambda line: None,
            lambda line: (line.get("trigger", ""), line.get("seed", "")) in models,
        )
        return [*findings, *self._board(bool(findings))]

    def _is_lost(self, line: dict[str, str]) -> bool:
        return tuple(line.get(name, "") for name in LINE) in self.lost

    def _board(self, tables_differ: bool) -> list[Finding]:
        filling, unknown = self._filling()
        cells = self._in_order([*self.cells, *filling]) if filling else self.cells
        if not self.cells or unknown or (self.lost and not filling):
            self.notes.append(f"{LEADERBOARD} was not compared, as there is nothing in the store of some of its rows")
            return []
        try:
            ranking = board(cells)
        except PeepholeError as error:
            self.notes.append(f"{LEADERBOARD} was not compared, as its rows cannot stand side by side now: {error}")
            return []
        findings = compare_table(self.folder / LEADERBOARD, ranking, ROW, _row_of)
        of_lost = {method for _, _, method, _ in self.lost}
        whole = [row for row in published_rows(cells, levels_of(cells), ranking) if row.method not in of_lost]
        names = {row_file_name(method, kind) for method in of_lost for kind in ("method", "calibration")}
        findings += compare_rows(self.folder, whole, names)
        if not (self.lost or findings or tables_differ):
            findings += compare_pictures(self.folder, align(cells))
        return findings

    def _in_order(self, cells: list[Cell]) -> list[Cell]:
        """Cells in the order of scores.csv, in which rows of a board stand where their ranks are equal."""
        keys = zip(*(self.scores[name].astype(str) for name in (*LINE, "layer")), strict=True)
        places = {key: place for place, key in enumerate(keys)}

        return sorted(cells, key=lambda cell: places.get((*_key(cell), cell.layer), len(places)))

    def _filling(self) -> tuple[list[Cell], bool]:
        """The cells that the store does not give, from the published rows, and whether some cannot be had."""
        found: list[Cell] = []
        for method in dict.fromkeys(method for _, _, method, _ in sorted(self.lost)):
            for kind in ("method", "calibration"):
                path = self.folder / ROWS / row_file_name(method, kind)
                try:
                    row = read_row(path) if path.is_file() else None
                except PeepholeError:
                    return [], True
                found += [cell for cell in (row.cells if row else ()) if _key(cell) in self.lost]
        return found, False


def _key(cell: Cell) -> Key:
    return cell.trigger, str(cell.seed), cell.method, cell.metric


def _row_of(line: dict[str, str]) -> alignment.Row | None:
    """The row of the board that a line of a table is of."""
    method, kind, layer = (line.get(name, "") for name in ROW)
    return method, "calibration" if kind == "calibration" else "method", layer
