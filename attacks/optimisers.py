"""The optimisers of networks and of triggers."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from peephole.attacks.recipe import Recipe, TriggerRecipe

BETAS = (0.5, 0.9)


def sgd(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """SGD with momentum; weight decay on whatever has two dimensions or more."""
    decayed = [weight for weight in network.parameters() if weight.requires_grad and weight.ndim > 1]
    free = [weight for weight in network.parameters() if weight.requires_grad and weight.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.SGD(
        groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0, foreach=True
    )


def adam(weights: Iterable[nn.Parameter], recipe: TriggerRecipe) -> torch.optim.Optimizer:
    """Adam as the networks of InputAware are trained with."""
    return torch.optim.Adam(weights, lr=recipe.learning_rate, betas=BETAS, foreach=True)
