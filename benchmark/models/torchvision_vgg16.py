"""VGG-16, as torchvision has it."""

from __future__ import annotations

from typing import ClassVar

from peephole.models.base import MODELS
from peephole.models.torchvision_family import TorchvisionModel


@MODELS.register
class TorchvisionVGG16(TorchvisionModel):
    """VGG-16 (configuration D) without batch normalisation: 13 convolutions, five max-poolings, three linear layers.

    Any size from 32 pixels on is taken, as torchvision resizes the last features to 7×7 by averaging. 138,357,544
    parameters with a thousand classes.
    """

    title: ClassVar[str] = "VGG-16 (torchvision)"
    source: ClassVar[str] = "Simonyan, Zisserman 2015, Very Deep Convolutional Networks, arXiv:1409.1556; torchvision"
    called: ClassVar[str] = "vgg16"
