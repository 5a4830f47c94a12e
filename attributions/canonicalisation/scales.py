"""Scales and shifts that a network's code spells out in several calls, put together again."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from peephole.attributions.linear import LINEAR
from peephole.attributions.operations import Operation, Region
from peephole.attributions.site import Site


def join_scales(sites: Sequence[Site]) -> list[Site]:
    """The sites, with scales that follow one another made one, and a bias that is added to a linear map made its own.

    ``(x − μ) / √(σ² + ε) · γ + β`` is four calls and one normalisation by fixed statistics; ``conv(x) + b`` with a
    convolution without a bias is a convolution with one; a sum over places times a number is an average.
    What is read by more than one site stays apart.

    Args:
        sites: of a network, with the shapes of what they return.
    """
    sites = list(sites)
    readers = Counter(value for site in sites for value in site.inputs)
    made_by: dict[int, Site] = {}
    gone: set[int] = set()
    for site in sites:
        made_by[site.output] = site
        before = made_by.get(site.inputs[0]) if len(site.inputs) == 1 else None
        if before is None or site.operation is not Operation.SCALE or readers[before.output] > 1:
            continue
        if before.operation is Operation.SCALE and len(before.inputs) == 1 and not (_is_norm(before) or _is_norm(site)):
            module = Region([before.module, site.module], [(-1,), (0,)], (before.name,)).eval()
            made_by[site.output] = replace(site, module=module, inputs=before.inputs)
            gone.add(before.output)
        elif before.operation is Operation.AVERAGE and _is_factor(site):
            module = Region([before.module, site.module], [(-1,), (0,)], (before.name,)).eval()
            made_by[site.output] = replace(site, module=module, inputs=before.inputs, known=Operation.AVERAGE)
            gone.add(before.output)
        elif isinstance(before.module, LINEAR) and before.module._parameters["bias"] is None:
            shift = _shift(before, site)
            if shift is not None:
                linear = copy.copy(before.module)
                linear._parameters = {**before.module._parameters, "bias": nn.Parameter(shift, requires_grad=False)}
                made_by[site.output] = replace(site, module=linear, inputs=before.inputs, known=None)
                gone.add(before.output)
    return [made_by[site.output] for site in sites if site.output not in gone]


def _is_norm(site: Site) -> bool:
    """Whether a site is a module that is a scale of its own."""
    return isinstance(site.module, nn.modules.batchnorm._NormBase) or type(site.module).__name__ == "Normalise"


def _is_factor(site: Site) -> bool:
    """Whether a scale is one positive number, and no shift."""
    if any(tensor.numel() > 1 for tensor in (*site.module.parameters(), *site.module.buffers())):
        return False
    like = next(iter(site.module.buffers()), torch.zeros(()))
    zero = torch.zeros(site.shape, dtype=like.dtype if like.is_floating_point() else None, device=like.device)
    scaled = site.module(zero + 1)
    return not site.module(zero).any() and bool((scaled == scaled.flatten()[0]).all() and scaled.flatten()[0] > 0)


def _shift(linear: Site, site: Site) -> Tensor | None:
    """What a site adds to each output of a linear map, if it does that and no more."""
    weight = linear.module.get_parameter("weight")
    axis = len(site.shape) - 1 if isinstance(linear.module, nn.Linear) else 1
    zero = torch.zeros(site.shape, dtype=weight.dtype, device=weight.device)
    shift, other = site.module(zero), site.module(zero + 1)
    if not torch.equal(other - 1, shift) and not torch.allclose(other - 1, shift, rtol=0, atol=1e-6):
        return None
    of_channels = shift.movedim(axis, 0).flatten(1)
    same = torch.equal(of_channels, of_channels[:, :1].expand_as(of_channels))
    return of_channels[:, 0].clone() if same else None
