"""What a figure for a paper is, and which there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from peephole.errors import PeepholeError
from peephole.registry import Registry
from peephole.texts.grammar import Grammar
from peephole.texts.naming import Naming

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from peephole.figures.results import Results

PAGE, COLUMN = 7.0, 3.4
"""Inches: a page of two columns, and one of them."""


@dataclass(frozen=True)
class Selection:
    """What is to be shown, as users name it; what is empty is for the figure to choose."""

    methods: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """A figure that is drawn.

    Attributes:
        figure: matplotlib's.
        caption: what a reader needs to know of it, in sentences.
    """

    figure: Figure
    caption: str


class PaperFigure(ABC):
    """A figure made of the results of a run. One with options is a frozen dataclass of `pydantic.dataclasses`.

    Attributes:
        title: what it shows, in one line.
        source: the figures of the papers that it answers.
        takes: the parts of a `Selection` that mean something to it.
        width: inches, if nobody asks for another.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    takes: ClassVar[tuple[str, ...]] = ()
    width: ClassVar[float] = PAGE

    def check(self, selection: Selection) -> None:
        """Refuse what the figure has no use for.

        Raises:
            PeepholeError: something is chosen that it does not show.
        """
        for part in fields(selection):
            if getattr(selection, part.name) and part.name not in self.takes:
                taken = " and ".join(f"--{name}" for name in self.takes) or "none of these flags"
                raise PeepholeError(f"this figure ({self.title}) has no --{part.name}; it takes {taken}.")

    @abstractmethod
    def draw(self, results: Results, selection: Selection, width: float) -> Drawing:
        """Draw it, inside `peephole.figures.style.paper_style`.

        Args:
            results: of the run.
            selection: that was `check`ed.
            width: inches.

        Raises:
            PeepholeError: the run lacks what the figure is made of, or what is selected does not exist.
        """


FIGURES: Registry[type[PaperFigure]] = Registry("figure", "peephole.figures.kinds", group="peephole.figures")
NAMING: Naming[PaperFigure] = Naming(
    FIGURES, Grammar("figure", ("layer_curves", "cascades(pictures=64)", "heatmaps"), nested=False)
)
