"""ResNet-8, the quick model."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from peephole.models.base import MODELS
from peephole.models.residual import ResidualNetwork


@MODELS.register
class ResNet8:
    """The small residual network of MLPerf Tiny, three stages of one block, with its costs moved.

    There stem and first stage work at the picture's full resolution with 16 channels and take most of the time. Here
    only the stem does, with 8 channels, and each stage halves the size: at 32 pixels the layers are 32 (`stem`), 16, 8
    and 4 wide. Training is three times as fast. 76,818 parameters with ten classes. Pictures have at least 16
    pixels a side.
    """

    title: ClassVar[str] = "ResNet-8"
    source: ClassVar[str] = "Banbury et al. 2021, MLPerf Tiny Benchmark, arXiv:2106.07597; He et al. 2016"

    def build(self, classes: int) -> nn.Module:
        """A freshly initialised network, from torch's global generator; see `ResidualNetwork`."""
        return ResidualNetwork(stem=8, widths=(16, 32, 64), depths=(1, 1, 1), strides=(2, 2, 2), classes=classes)
