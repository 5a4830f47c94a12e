"""One training loop for clean models, their twins and poisoned ones.

The whole split lives on the device as bytes; a batch is gathered, augmented and stamped there, so an epoch costs its
forward and backward passes and little else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor, nn

from peephole.attacks.augmentation import random_crop, random_flip
from peephole.attacks.poison import Poison
from peephole.attacks.recipe import Recipe
from peephole.errors import PeepholeError

WARMUP = 0.25
"""Share of the steps over which a one-cycle schedule climbs."""


def train(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    *,
    seed: int,
    poison: Poison | None = None,
    report: Callable[[float], None] | None = None,
) -> nn.Module:
    """Train ``model`` in place on the device that holds it and return it in eval mode.

    Args:
        model: takes float32 ``[B,C,H,W]`` in [0,1], gives logits.
        images: uint8 ``[N,C,H,W]`` on the model's device.
        labels: int64 ``[N]`` on the same device.
        recipe: how to train.
        seed: decides order and augmentation; together with the device and the number of threads it fixes the result.
        poison: which pictures carry a trigger, if any.
        report: called once a step with the share done.

    Raises:
        PeepholeError: the loss is not finite any more.
    """
    generator = Generator().manual_seed(seed)  # on the CPU: the same batches on every device
    steps = recipe.steps(len(labels))
    optimiser = _optimiser(model, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, partial(one_cycle, steps=steps))
    criterion = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
    model.train().to(memory_format=torch.channels_last)
    batches = _batches(len(labels), recipe.batch_size, steps, generator)
    for step, batch in enumerate(batches):
        index = batch.to(labels.device)
        x = random_crop(images[index], recipe.crop_padding, generator)
        x = random_flip(x, generator) if recipe.flip else x
        x, label = x.float().div_(255), labels[index]
        if poison is not None:
            x, label = poison.apply(x, label, index, generator)
        loss = criterion(model(x.contiguous(memory_format=torch.channels_last)), label)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        if report is not None:
            report((step + 1) / steps)
    if not bool(torch.isfinite(loss)):
        raise PeepholeError(
            f"training diverged: the loss is {loss.item()}; use a lower learning rate than {recipe.learning_rate:g}."
        )
    return model.eval()


def one_cycle(step: int, steps: int) -> float:
    """The learning rate at ``step`` of ``steps``, as a share of its peak: up in a line, down in a line, never 0."""
    top = max(1, round(WARMUP * steps))
    return (step + 1) / top if step < top else max(0.0, (steps - step) / (steps - top + 1))


@torch.no_grad()
def predict(model: nn.Module, x: Tensor, batch_size: int = 512) -> Tensor:
    """The decision int64 ``[B]`` on pictures in [0,1] (or bytes), in batches; dropout and norms as in eval mode."""
    model.eval()
    decisions = []
    for part in x.split(batch_size):
        picture = part.float().div(255) if part.dtype == torch.uint8 else part
        decisions.append(model(picture.contiguous(memory_format=torch.channels_last)).argmax(1))
    return torch.cat(decisions) if decisions else torch.empty(0, dtype=torch.long, device=x.device)


def _optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    decayed = [weight for weight in model.parameters() if weight.requires_grad and weight.ndim > 1]
    free = [weight for weight in model.parameters() if weight.requires_grad and weight.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.SGD(
        groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0, foreach=True
    )


def _batches(count: int, size: int, steps: int, generator: Generator) -> list[Tensor]:
    """Indices for ``steps`` batches; each epoch is a fresh permutation, batches run across epoch borders."""
    epochs = math.ceil(steps * size / count)
    stream = torch.cat([torch.randperm(count, generator=generator) for _ in range(epochs)])
    return list(stream[: steps * size].split(size))
