"""The residual network (He et al. 2016) that `resnet8` and `resnet18` are sizes of."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


def convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias, padded so that stride 1 keeps the size; batch normalisation follows it."""
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)


class Stem(nn.Module):
    """Convolution, batch normalisation, ReLU: ``[B,3,H,W]`` to ``[B,width,H,W]``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = convolution(3, width, 3)
        self.bn = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Features of pictures ``x``."""
        features: Tensor = self.relu(self.bn(self.conv(x)))
        return features


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut; every ReLU is a module of its own, so that rules can tell them apart.

    The shortcut is the identity, or a strided 1×1 convolution where the shape changes (option B of He et al. 2016).
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = convolution(inputs, outputs, 3, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = convolution(outputs, outputs, 3)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu2 = nn.ReLU()
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Features ``[B,inputs,H,W]`` to ``[B,outputs,H/stride,W/stride]``."""
        out = self.relu1(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        features: Tensor = self.relu2(out + self.downsample(x))
        return features


class ResidualNetwork(nn.Module):
    """Stem, stages ``layer1``, ``layer2``, …, mean over places, one linear layer.

    Initialisation, from torch's global generator: convolutions from N(0, 2/fan_out) (He et al. 2015), batch
    normalisation 1 and 0, the linear layer torch's default U(±1/√fan_in).

    Args:
        stem: channels of the stem, which keeps the picture's resolution.
        widths: channels of each stage.
        depths: blocks of each stage.
        strides: stride of each stage's first block.
        classes: number of logits.
    """

    def __init__(
        self, *, stem: int, widths: Sequence[int], depths: Sequence[int], strides: Sequence[int], classes: int
    ) -> None:
        super().__init__()
        self.stem = Stem(stem)
        inputs, stages = stem, zip(widths, depths, strides, strict=True)
        for number, (width, depth, stride) in enumerate(stages, start=1):
            blocks = [BasicBlock(inputs, width, stride), *(BasicBlock(width, width, 1) for _ in range(depth - 1))]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            inputs = width
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(inputs, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[B,classes]`` of normalised pictures ``[B,3,H,W]``, H and W at least 16."""
        for part in self.children():
            x = part(x)
        return x
