"""A picture bent by a smooth field: WaNet's trigger, ready to be stamped."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from peephole.seeds import stream
from peephole.triggers.base import Canvas, Stamped
from peephole.triggers.lengths import check_length
from peephole.triggers.stamper import Stamper

PUBLISHED_SIDE = 32
"""The side that the strength of a warp is given for."""
PUBLISHED_STRENGTH = 0.5
"""The strength that the published noise belongs to."""


class Warp(Stamper):
    """``x' = grid_sample(x, clip(identity + δ, −1, 1))``, in coordinates from −1 to 1 with corners aligned.

    ``δ = s · n / 32``, with ``n`` a field of k×k random vectors, uniform in [−1,1], divided by their mean magnitude a
    coordinate, and up-sampled to the picture (bicubic).

    Args:
        canvas: the pictures it is for.
        targets: the labels it leads to.
        size: k.
        strength: s.
        seed: of the field.

    Raises:
        PeepholeError: the pictures are too small, or do not have a label that the trigger leads to.
    """

    grid = 4

    def __init__(self, canvas: Canvas, targets: tuple[int, ...], size: int, strength: float, seed: int) -> None:
        check_length(canvas.side)
        super().__init__(canvas, targets)
        self.strength = strength
        field = 2 * torch.rand(1, 2, size, size, generator=Generator().manual_seed(stream("warp", seed))) - 1
        smooth = _enlarged(field / field.abs().mean(), canvas.side, "bicubic")
        # A field in float32 that is stored, and not the seed: other versions of torch may draw or enlarge otherwise.
        self.delta: Tensor
        self.register_buffer("delta", strength / PUBLISHED_SIDE * smooth.permute(0, 2, 3, 1))
        place = torch.linspace(-1, 1, canvas.side)
        self._identity: Tensor
        self.register_buffer("_identity", torch.stack(torch.meshgrid(place, place, indexing="xy"), 2), persistent=False)

    @property
    def displacement(self) -> Tensor:
        """How far each pixel is fetched from, in pixels: float32 ``[S,S]``."""
        moved = (self._identity + self.delta[0]).clamp(-1, 1) - self._identity
        distance: Tensor = moved.norm(dim=2)
        return distance * (self.canvas.side - 1) / 2

    def facts(self) -> dict[str, float]:
        """Mean and greatest displacement in pixels."""
        pixels = self.displacement
        return {"mean_displacement": float(pixels.mean()), "greatest_displacement": float(pixels.max())}

    def put(self, x: Tensor, which: Tensor, generator: Generator) -> Stamped:
        """See `Stamper.put`; nothing is random any more. There is no mask: every pixel may have moved."""
        pixels = self.displacement
        everywhere = (len(x), 1, *pixels.shape)
        return Stamped(
            image=self._sampled(x, self.delta),
            target=self.labels_of(which),
            mask=None,
            exact=torch.ones(everywhere, dtype=torch.bool, device=x.device),
            soft=(pixels / pixels.max()).expand(everywhere),
        )

    def decoy(self, x: Tensor, which: Tensor, generator: Generator) -> Tensor:
        """The warp with noise on it: another random vector for every picture and place of a 32×32 grid.

        As published, the noise is uniform in [−1,1] by the picture's side, whatever the strength. Here it is by 32,
        up-sampled where the picture is larger, and grows with the strength, so that it stays as strong and as coarse
        beside the warp as it is at 32 pixels and s = 0.5.
        """
        noise = 2 * torch.rand(len(x), 2, PUBLISHED_SIDE, PUBLISHED_SIDE, generator=generator).to(x.device) - 1
        noise = _enlarged(noise, self.canvas.side, "bilinear").permute(0, 2, 3, 1)
        return self._sampled(x, self.delta + self.strength / PUBLISHED_STRENGTH / PUBLISHED_SIDE * noise)

    def _sampled(self, x: Tensor, delta: Tensor) -> Tensor:
        grid = (self._identity + delta).clamp(-1, 1).expand(len(x), -1, -1, -1)
        # The four weights of a place may sum to more than 1 by rounding.
        return nn.functional.grid_sample(x, grid, align_corners=True).clamp(0, 1)


def _enlarged(field: Tensor, side: int, mode: str) -> Tensor:
    if field.shape[-1] == side:
        return field
    return nn.functional.interpolate(field, size=(side, side), mode=mode, align_corners=True)
