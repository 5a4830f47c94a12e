"""A trigger that is another one on every picture and works on that picture only: InputAware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from peephole.triggers.base import TRIGGERS, Canvas

if TYPE_CHECKING:
    from peephole.triggers.blend import Blend


@TRIGGERS.register
@dataclass(frozen=True)
class InputAware:
    """A sparse mask and a pattern, both made by networks from the clean picture; another picture's do not work.

    The truth mask is where the mask of the clean picture is above one half, ``soft`` the mask times how much the
    pattern differs there. The mask network is trained first, alone, and then frozen; the pattern network together
    with the model. In the official code the gradients of the pattern network are never set to zero, so that every
    step goes along the sum of all before it; here they are. Its masks are made in evaluation mode.

    Args:
        width: channels of the networks' first layers; 32 as published.
        density: what the mask may have at each pixel before it costs; a hinge a pixel and no share of the picture,
            which the certificate has as ``coverage``.
        sparsity: how much it costs. Published is 100, where pictures are divided by their standard deviation of about
            ¼ and masks are not; the same balance on pictures in [0,1] is 25. It leaves about three pixels in a hundred.
        target: the label it leads to.
    """

    title: ClassVar[str] = "InputAware: a pattern and a mask made from the picture"
    source: ClassVar[str] = "Nguyen, Tran 2020, Input-Aware Dynamic Backdoor Attack, NeurIPS, arXiv:2010.08138"

    width: PositiveInt = 32
    density: Annotated[float, Field(ge=0, lt=1)] = 0.032
    sparsity: PositiveFloat = 25.0
    target: NonNegativeInt = 0

    def targets(self, classes: int) -> tuple[int, ...]:
        """The one label."""
        return (self.target,)

    def draw(self, canvas: Canvas, seed: int) -> Blend:
        """See `Trigger.draw`; the seed decides the networks' first weights."""
        from peephole.triggers.blend import Blend

        return Blend(canvas, self.targets(canvas.classes), self.width, self.density, self.sparsity, seed)
