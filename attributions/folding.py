"""Batch normalisation folded into the convolution before it, as relevance rules need it."""

from __future__ import annotations

from collections import Counter

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from peephole.attributions.canonical import Canonical
from peephole.attributions.site import Site


def fold_batch_norm(canonical: Canonical) -> Canonical:
    """The same network with every batch normalisation that alone reads a convolution folded into it.

    ``W' = W·γ/√(σ²+ε)``, ``b' = (b − μ)·γ/√(σ²+ε) + β``. The convolution's own output is no tensor of the new graph any
    more; all other cut points and the layers stay. A batch normalisation in front of its convolution, or one without
    running statistics, stays as it is. The given graph is left alone; modules that are not folded are shared.
    """
    readers = Counter(value for site in canonical.sites for value in site.inputs)
    made_by = {site.output: site for site in canonical.sites}
    folded: dict[int, Site] = {}
    gone: set[int] = set()
    for site in canonical.sites:
        before = made_by.get(site.inputs[0]) if site.inputs else None
        if (
            before is not None
            and readers[before.output] == 1
            and isinstance(before.module, nn.Conv2d)
            and isinstance(site.module, nn.BatchNorm2d)
            and site.module.running_mean is not None
        ):
            module = fuse_conv_bn_eval(before.module, site.module).requires_grad_(False)
            folded[site.output] = Site(before.name, module, before.inputs, site.output)
            gone.add(before.output)
    sites = [folded.get(site.output, site) for site in canonical.sites if site.output not in gone]
    cuts = [canonical.cut(name) for name in canonical.cuts if canonical.cut(name).value not in gone]
    return Canonical(sites, cuts, canonical.layers).eval()
