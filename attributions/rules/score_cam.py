"""Score-CAM (Wang et al. 2020), at any layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.above import variants
from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.rule import Rule

if TYPE_CHECKING:
    from peephole.attributions.question import Question


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class ScoreCam(Rule):
    """``Σ_c w_c A_c``: each channel weighs what the network makes of the picture seen through it; ``[B,1,h,w]``.

    A channel is enlarged bilinearly to the picture, brought to [0,1] by its smallest and largest value and multiplied
    with the *normalised* picture; ``w_c`` is the softmax probability of the target on that. A constant channel weighs
    nothing. So the authors' code; their paper subtracts a baseline and takes a softmax over the channels, other
    libraries mix the two. The weights multiply the channels as they are; ReLU and up-sampling are the benchmark's.

    It needs a forward pass a channel and picture, whatever the target: neighbouring rows of the batch with the same
    picture share them.
    """

    title: ClassVar[str] = "Score-CAM"
    source: ClassVar[str] = (
        "Wang, Wang, Du, Yang, Zhang, Ding, Mardziel, Hu. Score-CAM: score-weighted visual explanations for "
        "convolutional neural networks. CVPR workshop 2020."
    )

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """The map of every layer, each from passes of its own."""
        model = question.graph(folded=True)
        x = question.x
        new = torch.ones(len(x), dtype=torch.bool, device=x.device)
        new[1:] = (x[1:] != x[:-1]).flatten(1).any(1)
        picture_of_row = new.cumsum(0) - 1
        start = model.layers[0]
        with torch.no_grad():
            pictures: Tensor = model.run(question.pictures()[new], until=start)[0]
        found = {}
        for layer in layers:
            activation = question.activation(layer)
            seen = torch.zeros((len(pictures), activation.shape[1], question.classes), device=x.device, dtype=x.dtype)
            channels = activation[new]
            pairs = (channels.amax((2, 3)) > channels.amin((2, 3))).nonzero()
            for picture, channel in (some.unbind(1) for some in pairs.split(len(x) * variants(x))):
                mask = _enlarged(channels[picture, channel], pictures.shape[2:])
                # A layer larger than the picture may lose what varied: such a channel is constant.
                varies = mask.isfinite().all(3).all(2).all(1)
                picture, channel, mask = picture[varies], channel[varies], mask[varies]
                if not len(mask):
                    continue
                with torch.no_grad():
                    logits: Tensor = model.run(pictures[picture] * mask, after=start)[0]
                seen[picture, channel] = logits.softmax(1)
            weight = seen[picture_of_row, :, question.target]
            found[layer] = (weight[:, :, None, None] * activation).sum(1, keepdim=True)
        return found


def _enlarged(channels: Tensor, size: Sequence[int]) -> Tensor:
    """Channels ``[N,h,w]`` as masks ``[N,1,H,W]`` in [0,1]."""
    up = F.interpolate(channels[:, None], tuple(size), mode="bilinear", align_corners=False)
    low, high = up.amin((2, 3), keepdim=True), up.amax((2, 3), keepdim=True)
    return (up - low) / (high - low)
