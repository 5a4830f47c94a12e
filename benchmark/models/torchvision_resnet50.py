"""ResNet-50 with a stem for large pictures, as torchvision has it."""

from __future__ import annotations

from typing import ClassVar

from peephole.models.base import MODELS
from peephole.models.torchvision_family import TorchvisionModel


@MODELS.register
class TorchvisionResNet50(TorchvisionModel):
    """ResNet-50 for ImageNet: stages of 3, 4, 6 and 3 bottleneck blocks whose 3×3 convolution has the stride.

    That is torchvision's difference from the paper, where the first 1×1 convolution has it (ResNet V1.5). At 224 pixels
    the stages are 56, 28, 14 and 7 wide. 25,557,032 parameters with a thousand classes.
    """

    title: ClassVar[str] = "ResNet-50 (torchvision)"
    source: ClassVar[str] = (
        "He et al. 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385; torchvision"
    )
    called: ClassVar[str] = "resnet50"
