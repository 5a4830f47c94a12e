"""Distributions of key information sufficiency."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from peephole.errors import PeepholeError
from peephole.figures.base import FIGURES, Drawing, PaperFigure, Selection
from peephole.figures.results import Results
from peephole.kis import all_samples
from peephole.kis_sheet import kis_figure, on_paper
from peephole.leaderboard.kis_histograms import verdict
from peephole.leaderboard.kis_study import correctness_table, kis_table


@FIGURES.register
class Kis(PaperFigure):
    """Histograms of S: right and wrong decisions of the clean model by three variants; each attack by KIS."""

    title: ClassVar[str] = "Key information sufficiency on the clean model and under each attack"
    source: ClassVar[str] = "P2 (alignment), figures 8 and 9"
    takes: ClassVar[tuple[str, ...]] = ("triggers",)

    def draw(self, results: Results, selection: Selection, width: float) -> Drawing:
        """See `PaperFigure`. Needs the store of a run whose suite asks for the study; all seeds together."""
        shown = {backdoor.trigger for backdoor in results.backdoors(selection.triggers)}
        units = [unit for unit in results.plan.samples if not unit.is_poisoned or _trigger(unit) in shown]
        if not units:
            raise PeepholeError(f"the suite of {results.folder} asks for no study of KIS; take another run's folder.")
        there = [unit for unit in units if results.has(unit)]
        if not there:
            raise PeepholeError(
                f"the store of {results.folder} has no samples of KIS, as this version of peephole makes them; run the "
                "same suite once more."
            )
        samples = all_samples(there, results.workspace)
        said = partial(verdict, kis_table(samples))
        figure = kis_figure(samples, said, correctness_table(samples), on_paper(width))
        caption = (
            f"{results.stored.subject[0]}: is what an explanation ({units[0].spec['method']}) shows enough for the "
            "decision? S = 1: the network does just the same with that alone; S < 0: it does something else. Above, "
            "models without a backdoor, by three ways to show it; below, models with a backdoor each, by KIS. Bars are "
            "shares of the pictures of their colour; what lies beyond the left end is in the first bar. Shaded: right "
            "of zero."
        )
        return Drawing(figure, caption)


def _trigger(unit: object) -> str:
    return str(unit.inputs["model"].spec["trigger"])  # type: ignore[attr-defined]
