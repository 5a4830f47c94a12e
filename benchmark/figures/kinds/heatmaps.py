"""Maps of several methods at several layers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from peephole.errors import PeepholeError
from peephole.figures.base import FIGURES, Drawing, PaperFigure, Selection
from peephole.figures.chosen import chosen_methods
from peephole.figures.results import Results
from peephole.heatmaps import ORACLE, heatmap_rows, heatmap_sheet
from peephole.sheet import Measures

LEFT, TOP, GAP, CAPTION = 1.0, 0.22, 0.03, 0.135
"""Inches."""
SMALL, TEXT, LINE = 5.5, 6.5, 0.6
"""Points."""
LEAST = 0.3
"""Inches of a picture, at least."""


@FIGURES.register
@dataclass(frozen=True)
class Heatmaps(PaperFigure):
    """For one trigger, a row a method: the picture, then the map at each layer, the truth outlined, its score below.

    Attributes:
        pictures: how many are explained; of a trigger with two targets, one is, for each of them.
    """

    title: ClassVar[str] = "Maps of methods at layers, beside picture and truth"
    source: ClassVar[str] = "P1 (layer choice), figures 1 and 2; P2 (alignment), table I"
    takes: ClassVar[tuple[str, ...]] = ("methods", "triggers")

    pictures: Annotated[int, Field(ge=1, le=4)] = 2

    def draw(self, results: Results, selection: Selection, width: float) -> Drawing:
        """See `PaperFigure`. Needs the store; the first trigger of the run if none is named."""
        triggers = results.backdoors(selection.triggers)
        if len(selection.triggers) > 1:
            raise PeepholeError(
                "heatmaps shows one trigger at a time; give --triggers one, and draw a figure for each."
            )
        backdoor = triggers[0]
        every = {row.scores.digest for row in results.plan.rows if results.has(row.scores) and results.has(row.maps)}
        rows = heatmap_rows(results.plan, backdoor, results.workspace, every)
        if not [row for row in rows if not row.is_calibration]:
            raise PeepholeError(
                f"the store of {results.folder} has no maps of {backdoor.trigger} with their scores, as this version "
                "of peephole makes them; run the same suite once more."
            )
        methods, left_out = chosen_methods(
            results.board, selection.methods, [row.method for row in rows if not row.is_calibration]
        )
        there = {row.method: row for row in rows}
        shown = [there[name] for name in (ORACLE, *methods) if name in there]

        def measures(columns: int) -> Measures:
            tile = (width - LEFT) / columns - GAP
            if tile < LEAST:
                raise PeepholeError(
                    f"{columns} columns do not fit in {width:g} inches; give a larger --width, or heatmaps(pictures=1)."
                )
            return Measures(tile, GAP, CAPTION, LEFT, TOP, SMALL, TEXT, TEXT, LINE)

        sheet, text = heatmap_sheet(backdoor, shown, results.workspace, pictures=self.pictures, measures=measures)
        caption = f"{results.stored.subject[0]}. {text}. {left_out}"
        return Drawing(sheet.figure(), caption.strip())
