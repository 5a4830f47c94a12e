"""What a trigger is: something stamped on a picture, and where the truth about it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from peephole.errors import PeepholeError
from peephole.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from peephole.triggers.stamper import Stamper


@dataclass(frozen=True)
class Stamped:
    """A batch of stamped pictures and their truth. T is the number of marks in each picture.

    Attributes:
        image: float32 ``[B,C,H,W]`` in [0,1], the very tensor that the model is to see.
        target: int64 ``[B,T]``, the label that each mark leads to.
        mask: bool ``[B,T,H,W]``, the truth mask that belongs to each mark; None for a trigger without a sharp edge.
        exact: bool ``[B,T,H,W]``, the pixels that each mark covers.
        soft: float32 ``[B,T,H,W]`` in [0,1], the graded truth of triggers that have one, else None.
        penalty: a number that training adds to the loss, of triggers that are learnt, else None.
    """

    image: Tensor
    target: Tensor
    mask: Tensor | None
    exact: Tensor
    soft: Tensor | None = None
    penalty: Tensor | None = None


@dataclass(frozen=True)
class Canvas:
    """What a trigger is drawn for: pictures of ``side`` × ``side`` pixels of ``classes`` labels."""

    side: int
    classes: int

    def check(self, targets: tuple[int, ...]) -> None:
        """Refuse target labels that the pictures do not have.

        Raises:
            PeepholeError: there is no such label.
        """
        wrong = [target for target in targets if not 0 <= target < self.classes]
        if wrong:
            raise PeepholeError(
                f"there is no label {wrong[0]} to lead to; the data set's labels are 0 to {self.classes - 1}."
            )


class Trigger(Protocol):
    """A kind of trigger with its options, before anything random about it is drawn and anything in it is learnt."""

    title: ClassVar[str]
    source: ClassVar[str]

    def targets(self, classes: int) -> tuple[int, ...]:
        """The labels it leads to, of ``classes`` labels; most triggers have one."""
        ...

    def draw(self, canvas: Canvas, seed: int) -> Stamper:
        """The trigger ready to be stamped, with its random parts drawn and what it learns still untrained.

        Its learnt and drawn parts are its ``state_dict``, so that a trigger drawn from any seed becomes another one
        of its kind with ``load_state_dict``.

        Raises:
            PeepholeError: the pictures are too small, or do not have a label that the trigger leads to.
        """
        ...


TRIGGERS: Registry[type[Trigger]] = Registry(
    "trigger",
    "peephole.triggers",
    "peephole.triggers",
    support=(
        *("base", "blend", "cells", "encoder_decoder", "fixed", "geometry", "lengths"),
        *("partial", "patches", "stamper", "texts", "varied", "warp"),
    ),
)
