"""Only the largest or the smallest activations of a layer hand the signal on (P2 figure 6)."""

from __future__ import annotations

from dataclasses import dataclass as plain_dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.changed import Changed
from peephole.attributions.combining import OnePass
from peephole.attributions.rules.guided_backprop import GuidedBackprop
from peephole.attributions.way import Change


@plain_dataclass(frozen=True)
class Selected:
    """The signal at a share of each picture's units, chosen by the size of their activation; zero at the others.

    Units that are zero are never chosen. Of ``n`` others the ``⌈share · n⌉`` largest, or smallest, are.
    """

    share: float
    largest: bool

    def __call__(self, activation: Tensor, signal: Tensor) -> Tensor:
        """See `peephole.attributions.way.Way.changes`."""
        size = activation.abs().flatten(1)
        off = size == 0
        # Rounding first: a tenth of 30 is asked for as 3.0000000000000004.
        count = ((~off).sum(1, keepdim=True).double() * self.share).round(decimals=6).ceil()
        key = size if self.largest else size.masked_fill(off, float("inf"))
        rank = key.argsort(dim=1, descending=self.largest, stable=True).argsort(dim=1)
        return signal * ((rank < count) & ~off).reshape(signal.shape)


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class Restricted(Changed):
    """A rule, with the signal at one layer kept for a share of its units only; ``[B,c,h,w]``.

    P2 takes the 10 % largest activations and the 10 % smallest that are not zero, to ask whether large activations
    decide. There are maps at the layer and below it, none above.

    Attributes:
        method: the rule.
        units: ``"largest"`` or ``"smallest"``.
        share: of the units that are not zero, each picture by itself.
        layer: where; the network's last layer if not given.
    """

    title: ClassVar[str] = "Restricted activations"
    source: ClassVar[str] = (
        "Zheng, Sang, Xu. Unifying perplexing behaviors in modified BP attributions through alignment perspective. "
        "Section IV-B, figure 6."
    )

    method: OnePass = GuidedBackprop()
    units: Literal["largest", "smallest"] = "largest"
    share: Annotated[float, Field(gt=0, le=1)] = 0.1
    layer: str | None = None

    def change(self) -> Change:
        """The signal is cut off at the other units."""
        return Selected(self.share, self.units == "largest")
