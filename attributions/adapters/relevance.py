"""The part of a network above a layer, as Captum's LRP needs it."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn

from peephole.attributions.adapters.sequence import in_sequence
from peephole.attributions.canonical import Canonical
from peephole.attributions.folding import fold_batch_norm
from peephole.attributions.operations import Add, WeightedSum


class Through(nn.Module):
    """The identity as a tensor of its own: Captum hooks what goes in and what comes out, which must be two."""

    def __init__(self) -> None:
        super().__init__()
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """A copy of ``x``."""
        return x.clone()


PROPORTIONAL = (Add, WeightedSum, nn.Flatten, Through)
"""Modules that Captum knows no rule for, and for which its epsilon rule is right: the share of each summand."""


def with_rules(model: Canonical, layer: str, epsilon_rule: Any) -> Canonical:
    """The part above ``layer`` with batch normalisation folded and a rule at every module that Captum has none for.

    It is a copy: Captum writes the weights anew and leaves attributes behind at the modules. Its first module is an
    identity, so that what arrives there is the layer's relevance. Modules that stay without a rule make Captum fail,
    and say so.

    Args:
        model: the canonical graph.
        layer: a cut point.
        epsilon_rule: Captum's class of that name.
    """
    part = in_sequence(
        copy.deepcopy(fold_batch_norm(model).above(layer)),
        lambda module: Through() if isinstance(module, nn.Identity) else module,
    )
    for site in part.sites:
        if isinstance(site.module, PROPORTIONAL):
            site.module.rule = epsilon_rule()
    return part
