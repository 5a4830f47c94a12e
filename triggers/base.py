"""What a trigger is: something stamped on a picture, and where the truth about it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from peephole.registry import Registry

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True)
class Stamped:
    """A batch of stamped pictures and their truth. T is the number of the trigger's target labels.

    Attributes:
        image: float32 ``[B,C,H,W]`` in [0,1], the very tensor that the model is to see.
        mask: bool ``[B,T,H,W]``, the truth mask that belongs to each target.
        exact: bool ``[B,T,H,W]``, the pixels that the mark of each target covers.
        soft: float32 ``[B,T,H,W]``, graded truth of triggers without a sharp edge, else None.
    """

    image: Tensor
    mask: Tensor
    exact: Tensor
    soft: Tensor | None = None


class Trigger(Protocol):
    """One backdoor trigger. ``targets`` are the labels it leads to; most triggers have one."""

    title: ClassVar[str]
    source: ClassVar[str]
    targets: tuple[int, ...]

    def stamp(self, x: Tensor, generator: Generator | None = None) -> Stamped:
        """Put the marks of all targets on pictures ``x``: float32 ``[B,C,H,W]`` in [0,1]."""
        ...

    def stamp_target(self, x: Tensor, which: int, generator: Generator | None = None) -> Tensor:
        """Put on only the mark that leads to ``targets[which]``; same shape as ``x``."""
        ...


TRIGGERS: Registry[type[Trigger]] = Registry(
    "trigger", "peephole.triggers", "peephole.triggers", support=("base", "geometry", "lengths", "pattern")
)
