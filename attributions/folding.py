"""Normalisation by fixed statistics folded into the linear map before it, as relevance rules need it."""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from dataclasses import replace

import torch
from torch import Tensor, nn

from peephole.attributions.canonical import Canonical
from peephole.attributions.layers import UNCHANGED
from peephole.attributions.linear import LINEAR, TRANSPOSED
from peephole.attributions.operations import Operation
from peephole.attributions.site import Site


def fold_batch_norm(canonical: Canonical) -> Canonical:
    """The same network with every normalisation that alone reads a linear map folded into it.

    ``W' = W·γ/√(σ²+ε)``, ``b' = (b − μ)·γ/√(σ²+ε) + β``, for convolutions, transposed ones and linear layers, and for
    whatever else scales and shifts their channels by fixed numbers. The map's own output is no tensor of the new graph
    any more; all other cut points and the layers stay. A normalisation that stands elsewhere stays as it is. The given
    graph is left alone; modules that are not folded are shared.
    """
    readers = Counter(value for site in canonical.sites for value in site.inputs)
    made_by = {site.output: site for site in canonical.sites}
    gone: set[int] = set()
    for site in canonical.sites:
        if site.operation is not Operation.SCALE or len(site.inputs) != 1:
            continue
        between = [site.inputs[0]]
        while between[-1] in made_by and isinstance(made_by[between[-1]].module, UNCHANGED):
            between.append(made_by[between[-1]].inputs[0])
        before = made_by.get(between[-1])
        if before is None or not isinstance(before.module, LINEAR) or any(readers[value] > 1 for value in between):
            continue
        numbers = channel_scale(site, _channel_axis(before))
        if numbers is not None:
            made_by[site.output] = replace(
                before, module=_scaled(before.module, *numbers), output=site.output, frame=site.frame
            )
            gone.update(between)
    sites = [made_by[site.output] for site in canonical.sites if site.output not in gone]
    cuts = [canonical.cut(name) for name in canonical.cuts if canonical.cut(name).value not in gone]
    return canonical.rebuilt(sites, cuts, canonical.layers)


def channel_scale(site: Site, axis: int) -> tuple[Tensor, Tensor] | None:
    """The scale and the shift of each channel, ``[channels]`` both; None if a site has others by place or channel."""
    module, shape = site.module, site.shape
    if len(shape) <= axis or not axis:
        return None
    if isinstance(module, nn.modules.batchnorm._NormBase):
        return scale_and_shift(module) if axis == 1 else None
    like = next(itertools.chain(module.parameters(), module.buffers()), torch.zeros(()))
    dtype = like.dtype if like.is_floating_point() else torch.get_default_dtype()
    shift = module(torch.zeros(shape, dtype=dtype, device=like.device))
    scale = module(torch.ones(shape, dtype=dtype, device=like.device)) - shift
    vectors = [part.movedim(axis, 0).flatten(1) for part in (scale, shift)]
    if any(not torch.equal(part, part[:, :1].expand_as(part)) for part in vectors):
        return None
    return vectors[0][:, 0].clone(), vectors[1][:, 0].clone()


def scale_and_shift(module: nn.modules.batchnorm._NormBase) -> tuple[Tensor, Tensor]:
    """``γ/√(σ²+ε)`` and ``β − μγ/√(σ²+ε)`` of a normalisation with running statistics, ``[channels]``."""
    assert module.running_mean is not None
    assert module.running_var is not None
    scale = (module.running_var + module.eps).rsqrt()
    if module.weight is not None:
        scale = scale * module.weight
    shift = -module.running_mean * scale
    return scale, shift if module.bias is None else shift + module.bias


def _channel_axis(site: Site) -> int:
    """The axis of a linear map's outputs."""
    return len(site.shape) - 1 if isinstance(site.module, nn.Linear) else 1


def _scaled(module: nn.Module, scale: Tensor, shift: Tensor) -> nn.Module:
    """The linear map followed by a scale and a shift of its outputs."""
    weight = module.get_parameter("weight")
    scale, shift = scale.to(weight), shift.to(weight)
    if isinstance(module, TRANSPOSED):
        # Of a transposed convolution the outputs of each group stand on the second axis.
        groups: int = module.groups  # type: ignore[assignment]
        inputs, outputs, *kernel = weight.shape
        by_group = weight.reshape(groups, inputs // groups, outputs, *kernel)
        new = (by_group * scale.reshape(groups, 1, outputs, *[1] * len(kernel))).reshape(weight.shape)
    else:
        new = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
    own = module._parameters["bias"]
    bias = shift if own is None else own * scale + shift
    folded = copy.copy(module)
    folded._parameters = {
        "weight": nn.Parameter(new, requires_grad=False),
        "bias": nn.Parameter(bias, requires_grad=False),
    }
    return folded.eval()
