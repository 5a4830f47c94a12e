"""ResNet-18 for processors: an eighth of the channels."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from peephole.models.base import MODELS
from peephole.models.residual import ResidualNetwork


@MODELS.register
class ResNet18Narrow:
    """`resnet18` with 8, 16, 32 and 64 channels instead of 64 to 512: the same 18 layers at a fiftieth of the work.

    For a look at ResNet-18 where there is no GPU; no published number belongs to it. 176,402 parameters with ten
    classes. Pictures have at least 16 pixels a side.
    """

    title: ClassVar[str] = "ResNet-18 (CIFAR stem), an eighth as wide"
    source: ClassVar[str] = "He et al. 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385; ours"

    def build(self, classes: int) -> nn.Module:
        """A freshly initialised network, from torch's global generator; see `ResidualNetwork`."""
        return ResidualNetwork(
            stem=8, widths=(8, 16, 32, 64), depths=(2, 2, 2, 2), strides=(1, 2, 2, 2), classes=classes
        )
