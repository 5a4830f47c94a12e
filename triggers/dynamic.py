"""A patch that is another one in another place on every picture: dynamic backdoors."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import NonNegativeInt
from pydantic.dataclasses import dataclass

from peephole.triggers.base import TRIGGERS, Canvas

if TYPE_CHECKING:
    from peephole.triggers.stamper import Stamper


@TRIGGERS.register
@dataclass(frozen=True)
class Dynamic:
    """A patch of 5×5 pixels at a side of 32; its truth mask is the box that it covers in that picture.

    - ``random``: every pixel of the patch and its place are drawn uniformly for every picture.
    - ``ban``: the patch comes from a network that turns noise into patches and learns together with the model
      (Backdoor generating Network); the place is random.
    - ``cban``: that network is told the label as well, and every label of the data set is one that it leads to; a
      patch for label ``l`` has its left edge at ``(l mod 5) · 5`` pixels, in a random row.

    Salem et al. let random patches of one target fall on a few chosen places; here, and in the code, anywhere.
    In their code the rows of a conditioned patch are 0–19 or 6–25 by its label; here any.

    Args:
        kind: which of the three.
        target: the label that ``random`` and ``ban`` lead to; ``cban`` leads to all.
    """

    title: ClassVar[str] = "Dynamic: a changing patch in a changing place"
    source: ClassVar[str] = "Salem, Wen, Backes, Ma, Zhang 2022, Dynamic Backdoor Attacks, EuroS&P, arXiv:2003.03675"

    kind: Literal["random", "ban", "cban"] = "random"
    target: NonNegativeInt = 0

    def targets(self, classes: int) -> tuple[int, ...]:
        """The one label, or all."""
        return tuple(range(classes)) if self.kind == "cban" else (self.target,)

    def draw(self, canvas: Canvas, seed: int) -> Stamper:
        """See `Trigger.draw`; the seed decides the network's first weights."""
        from peephole.triggers.patches import ConditionedPatch, GeneratedPatch, RandomPatch

        stampers = {"random": RandomPatch, "ban": GeneratedPatch, "cban": ConditionedPatch}
        return stampers[self.kind](canvas, self.targets(canvas.classes), seed)
