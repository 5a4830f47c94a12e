"""Training of clean models, their twins, poisoned models and the networks of triggers: one loop for all."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from peephole.attacks.loop import Loop
from peephole.attacks.objective import Objective, Preparation
from peephole.attacks.optimisers import adam, sgd
from peephole.attacks.poison import Poison
from peephole.attacks.recipe import Recipe, TriggerRecipe, steps_of
from peephole.attacks.splits import Split
from peephole.attacks.trainer import Trainer
from peephole.memory_layout import takes_channels_last


def train(
    network: nn.Module,
    split: Split,
    recipe: Recipe,
    trainer: Trainer,
    *,
    seed: int,
    poison: Poison | None = None,
    trigger_recipe: TriggerRecipe | None = None,
) -> nn.Module:
    """Train ``network`` in place, and what a trigger learns with it, and return it in eval mode.

    Args:
        network: takes float32 ``[B,C,H,W]`` in [0,1], gives logits; on the trainer's device.
        split: the training pictures, on the same device.
        recipe: how to train.
        trainer: where to train.
        seed: decides order, augmentation and whatever else is random; together with the device, the number of devices
            and that of threads it fixes the result.
        poison: which pictures carry a trigger, if any.
        trigger_recipe: how the trigger's networks are trained, if it has some.

    Raises:
        PeepholeError: the loss is not finite any more, or a batch does not fit in the device's memory.
        KeyboardInterrupt: it was stopped; with a checkpoint, the same call goes on where it was.
    """
    channels_last = takes_channels_last(network, _first(split))
    objective = Objective(
        network, poison, recipe.label_smoothing, compiled=trainer.compiled, channels_last=channels_last
    )
    optimisers = [sgd(network, recipe)]
    learnt = list(poison.stamper.learnt()) if poison else []
    if poison:
        poison.stamper.requires_grad_(False)
    for weight in learnt:
        weight.requires_grad_(True)
    if learnt:
        optimisers.append(adam(learnt, trigger_recipe or TriggerRecipe()))
    if channels_last:
        network.to(memory_format=torch.channels_last)
    Loop(split, recipe, recipe.steps(len(split)), trainer, "train", seed, poison)(objective, optimisers)
    if poison is not None:
        poison.stamper.eval().requires_grad_(False)
    return network.eval()


def _first(split: Split) -> Tensor:
    """The first two pictures, float32 ``[B,C,H,W]`` in [0,1]."""
    [pictures] = split.stream([torch.arange(min(2, len(split)))])
    return pictures.float().div(255)


def prepare(
    poison: Poison, split: Split, recipe: Recipe, trigger_recipe: TriggerRecipe, trainer: Trainer, *, seed: int
) -> None:
    """Train, in place, what a trigger has to learn from clean pictures first, if anything; then it is frozen.

    Arguments as of `train`.
    """
    weights = list(poison.stamper.prepared())
    if weights and trigger_recipe.epochs > 0:
        poison.stamper.requires_grad_(False)
        for weight in weights:
            weight.requires_grad_(True)
        steps = steps_of(trigger_recipe.epochs, len(split), recipe.batch_size)
        Loop(split, recipe, steps, trainer, "prepare", seed, None)(Preparation(poison), [adam(weights, trigger_recipe)])
    for weight in weights:
        weight.requires_grad_(False)
