"""ResNet-18 with a stem for small pictures."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from peephole.models.base import MODELS
from peephole.models.residual import ResidualNetwork


@MODELS.register
class ResNet18:
    """ResNet-18 as the literature trains it on CIFAR-10: a 3×3 stem of stride 1 and no max-pooling.

    At 32 pixels the four stages are 32, 16, 8 and 4 wide. 11,173,962 parameters with ten classes. Pictures have at
    least 16 pixels a side.
    """

    title: ClassVar[str] = "ResNet-18 (CIFAR stem)"
    source: ClassVar[str] = "He et al. 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385"

    def build(self, classes: int) -> nn.Module:
        """A freshly initialised network, from torch's global generator; see `ResidualNetwork`."""
        return ResidualNetwork(
            stem=64, widths=(64, 128, 256, 512), depths=(2, 2, 2, 2), strides=(1, 2, 2, 2), classes=classes
        )
