"""A pattern and a mask that two networks make from the picture itself: InputAware's trigger, ready to be stamped."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Generator, Tensor, nn

from peephole.seeds import stream
from peephole.triggers.base import Canvas, Stamped
from peephole.triggers.encoder_decoder import EncoderDecoder
from peephole.triggers.lengths import check_length
from peephole.triggers.stamper import Stamper

SHARPNESS = 20.0
EPSILON = 1e-7
TINY = 1e-12
"""Under a root, where its slope would be infinite."""


class Blend(Stamper):
    """``x' = x + (p(x) − x) · m(x)``.

    Args:
        canvas: the pictures it is for.
        targets: the labels it leads to.
        width: of both networks.
        density: what the mask may have at each pixel for free.
        sparsity: how much more than that costs.
        seed: of the networks' first weights.

    Raises:
        PeepholeError: the pictures are too small, or do not have a label that the trigger leads to.
    """

    grid = 4

    def __init__(
        self, canvas: Canvas, targets: tuple[int, ...], width: int, density: float, sparsity: float, seed: int
    ) -> None:
        check_length(canvas.side)
        super().__init__(canvas, targets)
        self.density = density
        self.sparsity = sparsity
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream("mask and pattern networks", seed))
            self.mask_net = EncoderDecoder(width, 1)
            self.pattern_net = EncoderDecoder(width, 3)

    def train(self, mode: bool = True) -> Blend:
        """Training mode is the pattern network's; masks are always those of evaluation but in `preparation_loss`."""
        super().train(mode)
        self.mask_net.eval()
        return self

    def masks(self, x: Tensor) -> Tensor:
        """m: float32 ``[B,1,S,S]`` in (0,1), nearly all of it at the ends."""
        mask: Tensor = (SHARPNESS * self.mask_net(_centred(x)) - SHARPNESS / 2).tanh() / 2 + 0.5
        return mask

    def patterns(self, x: Tensor) -> Tensor:
        """p: float32 ``[B,3,S,S]`` in (0,1)."""
        pattern: Tensor = self.pattern_net(_centred(x))
        return pattern

    def prepared(self) -> Iterable[nn.Parameter]:
        """The mask network."""
        return self.mask_net.parameters()

    def preparation_loss(self, x: Tensor) -> Tensor:
        """``sparsity · mean(max(m − density, 0)) + mean(d(x₁,x₂) / d(m₁,m₂))``, d the root mean squared difference.

        The first and the second half of the batch are the pairs; an odd last picture counts for the density only.
        """
        self.mask_net.train()
        mask = self.masks(x)
        self.mask_net.eval()
        return self.sparsity * (mask - self.density).clamp(min=0).mean() + _diversity(x, mask)

    def learnt(self) -> Iterable[nn.Parameter]:
        """The pattern network."""
        return self.pattern_net.parameters()

    def put(self, x: Tensor, which: Tensor, generator: Generator) -> Stamped:
        """See `Stamper.put`; nothing is random. In training the penalty is the diversity of the patterns."""
        with torch.no_grad():
            mask = self.masks(x)
        pattern = self.patterns(x)
        return Stamped(
            image=x + (pattern - x) * mask,
            target=self.labels_of(which),
            mask=mask > 0.5,
            exact=mask > 0.5,
            soft=mask * (pattern - x).abs().mean(1, keepdim=True),
            penalty=_diversity(x, pattern) if self.training else None,
        )

    def decoy(self, x: Tensor, which: Tensor, generator: Generator) -> Tensor:
        """The picture with the mask and the pattern of another one."""
        # A single picture has no other; its mirror image is one.
        other = x.roll(1, 0) if len(x) > 1 else x.flip(-1)
        with torch.no_grad():
            mask = self.masks(other)
        return x + (self.patterns(other) - x) * mask


def _centred(x: Tensor) -> Tensor:
    return 2 * x - 1


def _diversity(x: Tensor, made: Tensor) -> Tensor:
    """``mean(d(x₁,x₂) / (d(f(x₁),f(x₂)) + 10⁻⁷))`` over pairs of pictures and what was made from them."""
    half = len(x) // 2
    if not half:
        return made.sum() * 0
    pictures, results = (_distance(each[:half], each[half : 2 * half]) for each in (x, made))
    return (pictures / (results + EPSILON)).mean()


def _distance(a: Tensor, b: Tensor) -> Tensor:
    return ((a - b).square().mean((1, 2, 3)) + TINY).sqrt()
