"""Sums and averages as the convolutions that they are, so that a library's rule for convolutions is theirs."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from peephole.attributions.adapters.sequence import in_sequence
from peephole.attributions.canonical import Canonical
from peephole.attributions.operations import Add, WeightedSum


class SummingConvolution(nn.Module):
    """``v·left + w·right``: a convolution of 1×1 over both, one behind the other."""

    def __init__(self, channels: int, weights: tuple[float, float], like: Tensor) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(2 * channels, channels, 1, bias=False).to(like)
        unit = torch.eye(channels)
        self.convolution.weight.data.copy_(torch.cat([weight * unit for weight in weights], 1)[:, :, None, None])

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """The sum."""
        total: Tensor = self.convolution(torch.cat([left, right], 1))
        return total


def averaging_convolution(channels: int, size: tuple[int, int], like: Tensor) -> nn.Module:
    """The mean over all places of each channel."""
    convolution = nn.Conv2d(channels, channels, size, groups=channels, bias=False).to(like)
    nn.init.constant_(convolution.weight, 1 / (size[0] * size[1]))
    return convolution


def spelt_out(model: Canonical) -> Canonical:
    """The same network, its modules in the order in which they run, without a sum or a global average pool."""
    like = next(model.parameters())
    shapes = {site.output: site.shape for site in model.sites}
    sites = []
    for site in model.sites:
        module = site.module
        if isinstance(module, Add | WeightedSum):
            weights = module.weights if isinstance(module, WeightedSum) else (1.0, 1.0)
            module = SummingConvolution(site.shape[1], weights, like)
        elif isinstance(module, nn.AdaptiveAvgPool2d):
            assert site.shape[2:] == (1, 1)
            _, channels, height, width = shapes[site.inputs[0]]
            module = averaging_convolution(channels, (height, width), like)
        sites.append(replace(site, module=module.eval().requires_grad_(False)))
    return in_sequence(model.rebuilt(sites, [model.cut(name) for name in model.cuts], model.layers))
