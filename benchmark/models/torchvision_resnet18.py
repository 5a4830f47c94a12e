"""ResNet-18 with a stem for large pictures, as torchvision has it."""

from __future__ import annotations

from typing import ClassVar

from peephole.models.base import MODELS
from peephole.models.torchvision_family import TorchvisionModel


@MODELS.register
class TorchvisionResNet18(TorchvisionModel):
    """ResNet-18 as published for ImageNet: a 7×7 stem of stride 2, max-pooling, four stages of two blocks.

    At 224 pixels the stages are 56, 28, 14 and 7 wide. 11,689,512 parameters with a thousand classes.
    """

    title: ClassVar[str] = "ResNet-18 (torchvision)"
    source: ClassVar[str] = (
        "He et al. 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385; torchvision"
    )
    called: ClassVar[str] = "resnet18"
