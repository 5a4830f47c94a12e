"""A layer's activation sent back in place of the signal, then any rule below it (P2 section V-A)."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.changed import Changed
from peephole.attributions.combining import OnePass
from peephole.attributions.rules.guided_backprop import GuidedBackprop
from peephole.attributions.way import Change


def to_activation(activation: Tensor, signal: Tensor) -> Tensor:
    """The activation, whatever arrived."""
    return activation.clone()


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class FromActivation(Changed):
    """``r_L = A_L`` at one layer, and a rule from there down: what of the picture the layer still knows; ``[B,c,h,w]``.

    P2 compares it layer by layer to see where the network loses what it needed. No map depends on the target. There
    are maps at the layer and below it, none above.

    Attributes:
        method: the rule below the layer.
        layer: its name; the network's last if not given.
    """

    title: ClassVar[str] = "From activation"
    source: ClassVar[str] = (
        "Zheng, Sang, Xu. Unifying perplexing behaviors in modified BP attributions through alignment perspective. "
        "Section V-A."
    )

    method: OnePass = GuidedBackprop()
    layer: str | None = None

    def change(self) -> Change:
        """The activation takes the signal's place."""
        return to_activation
