"""What is known of a curve over exchanged pixels, and from that its area and its height anywhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Curve(ABC):
    """Curves of N pictures, each over the share of its pixels that are exchanged, from 0 to 1.

    Attributes:
        knots: int64 ``[N,Q]``, numbers of exchanged pixels, ascending, some perhaps twice; the first is 0.
        heights: float64 ``[N,Q]`` in [0,1]; of equal knots the last one counts.
        pixels: how many pixels a picture has.
    """

    knots: Tensor
    heights: Tensor
    pixels: int

    @property
    @abstractmethod
    def area(self) -> Tensor:
        """Under each curve, float64 ``[N]`` in [0,1]."""

    @abstractmethod
    def at(self, shares: Tensor) -> Tensor:
        """The height of each curve at float64 ``[G]`` shares in [0,1]: float64 ``[N,G]`` in [0,1]."""

    def _before(self, shares: Tensor) -> tuple[Tensor, Tensor]:
        """The knots as shares, float64 ``[N,Q]``, and which is the last at or before each share, int64 ``[N,G]``."""
        # A share and the knot that it stands for are both rounded once, so that they are equal if they should be.
        knots = self.knots.double() / self.pixels
        wanted = shares.to(knots).expand(len(knots), -1).contiguous()
        return knots, torch.searchsorted(knots, wanted, right=True) - 1


class Polyline(Curve):
    """Straight lines from knot to knot, the last of which is at all pixels."""

    @property
    def area(self) -> Tensor:
        """By the trapezoid rule."""
        area: Tensor = torch.trapezoid(self.heights, self.knots.double() / self.pixels, dim=1)
        return area

    def at(self, shares: Tensor) -> Tensor:
        """Between two knots the height is in between, too."""
        knots, before = self._before(shares)
        after = (before + 1).clamp(max=knots.shape[1] - 1)
        begin, end = knots.gather(1, before), knots.gather(1, after)
        weight = (shares.to(knots) - begin) / torch.where(end > begin, end - begin, 1.0)
        return self.heights.gather(1, before).lerp(self.heights.gather(1, after), weight.clamp(0, 1))


class Steps(Curve):
    """Level from each knot to the next, and from the last to all pixels."""

    @property
    def area(self) -> Tensor:
        """A sum of rectangles."""
        ends = self.knots.new_full((len(self.knots), 1), self.pixels)
        return (self.heights * torch.diff(self.knots, dim=1, append=ends)).sum(dim=1) / self.pixels

    def at(self, shares: Tensor) -> Tensor:
        """At a knot the new height counts."""
        return self.heights.gather(1, self._before(shares)[1])
