"""The network behind InputAware's masks and patterns."""

from __future__ import annotations

from torch import Tensor, nn

STEPS = 3


class EncoderDecoder(nn.Module):
    """Pictures ``[B,3,S,S]`` to values in (0,1), ``[B,outputs,S,S]``.

    Three steps down of two 3×3 convolutions and max-pooling, ``width``, 2·``width``, 4·``width``
    channels, two convolutions in the middle, three steps up of bilinear up-sampling and two convolutions; batch
    normalisation and ReLU after each but the last, which a tanh, halved and moved to (0,1), follows. Where a side
    cannot be halved evenly, pooling rounds up and up-sampling goes back to the size that was. The official network has
    one convolution in the middle, narrows in the second one of each step up, and normalises after the last one too.

    Args:
        width: channels of the first step; 32 as published.
        outputs: channels of the result.
    """

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        widths = [width * 2**step for step in range(STEPS)]
        below = [3, *widths]
        self.down = nn.ModuleList(_pair(below[step], widths[step]) for step in range(STEPS))
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.middle = _pair(widths[-1], widths[-1])
        self.up = nn.ModuleList(
            _pair(widths[step], widths[max(0, step - 1)], None if step else outputs) for step in reversed(range(STEPS))
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        sizes = []
        for block in self.down:
            x = block(x)
            sizes.append(x.shape[-2:])
            x = self.pool(x)
        x = self.middle(x)
        for block, size in zip(self.up, reversed(sizes), strict=True):
            x = block(nn.functional.interpolate(x, size=size, mode="bilinear", align_corners=False))
        return x.tanh() / 2 + 0.5


def _pair(inputs: int, outputs: int, last: int | None = None) -> nn.Module:
    """Two convolutions with normalisation and ReLU; ``last`` channels and nothing after the second if given."""
    first = _block(inputs, outputs)
    second = [nn.Conv2d(outputs, last, 3, padding=1)] if last else _block(outputs, outputs)
    return nn.Sequential(*first, *second)


def _block(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
