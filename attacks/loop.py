"""The steps of a training, on one device or several, that can be stopped and go on."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor, nn

from peephole.attacks.augmentation import random_crop, random_flip
from peephole.attacks.interruption import deferred
from peephole.attacks.poison import Poison
from peephole.attacks.recipe import Recipe
from peephole.attacks.schedules import SCHEDULES
from peephole.attacks.splits import Split
from peephole.attacks.state import State
from peephole.attacks.trainer import Trainer
from peephole.errors import PeepholeError
from peephole.seeds import stream

CHECKED = 100
"""Steps between two looks at the loss: a look makes a GPU wait."""

Optimisers = Sequence[torch.optim.Optimizer]


@dataclass(frozen=True)
class Loop:
    """How one module is trained. Called with it and its optimisers.

    Attributes:
        split: the training pictures.
        recipe: batches, augmentation, schedule.
        steps: how many.
        trainer: where to train.
        stage: the name of the checkpoint.
        seed: decides order, augmentation and whatever else is random.
        poison: which pictures carry a trigger, if any.
    """

    split: Split
    recipe: Recipe
    steps: int
    trainer: Trainer
    stage: str
    seed: int
    poison: Poison | None

    def __call__(self, module: nn.Module, optimisers: Optimisers) -> None:
        """Train in place. ``module(x, label, part, generator)`` is the loss, see `Objective`."""
        fabric = self.trainer.fabric(sparse=len(optimisers) > 1)
        if self.trainer.devices == 1:
            self._run(fabric, module, optimisers)
            return
        # Every process has a copy of its own; what the first one has learnt comes back.
        module.load_state_dict(fabric.launch(self._learnt, module, optimisers))

    def _learnt(self, fabric: Any, module: nn.Module, optimisers: Optimisers) -> dict[str, Tensor]:
        self._run(fabric, module, optimisers)
        return {name: value.cpu() for name, value in module.state_dict().items()}

    def _run(self, fabric: Any, module: nn.Module, optimisers: Optimisers) -> None:
        wrapped, *wrapped_optimisers = fabric.setup(module, *optimisers)
        schedule = partial(SCHEDULES[self.recipe.schedule], steps=self.steps)
        schedulers = [torch.optim.lr_scheduler.LambdaLR(optimiser, schedule) for optimiser in optimisers]
        state = State(module, optimisers, schedulers)
        checkpoint = self.trainer.checkpoint(self.stage)
        start = state.restore(checkpoint.load() if checkpoint else None)
        batches = [batch[fabric.global_rank :: fabric.world_size] for batch in self._batches()[start:]]
        cuda = [fabric.device] if fabric.device.type == "cuda" else []
        wrapped.train()
        saved = time.monotonic()
        with torch.random.fork_rng(cuda), deferred() as stopped:
            for step, (batch, images) in enumerate(zip(batches, self.split.stream(batches), strict=True), start + 1):
                loss = self._step(fabric, wrapped, wrapped_optimisers, step, batch, images)
                for scheduler in schedulers:
                    scheduler.step()
                if step % CHECKED == 0 or step == self.steps:
                    self._check(loss)
                if self.trainer.report is not None:
                    self.trainer.report(step / self.steps)
                if checkpoint and (stopped() or time.monotonic() - saved > checkpoint.every):
                    if fabric.is_global_zero:
                        checkpoint.save(state.saved(step))
                    saved = time.monotonic()
                if stopped():
                    break

    def _batches(self) -> list[Tensor]:
        """Indices for all steps; each epoch is a fresh permutation, batches run across epoch borders."""
        generator = Generator().manual_seed(self.seed)  # on the CPU: the same batches on every device
        size, count = self.recipe.batch_size, len(self.split)
        epochs = math.ceil(self.steps * size / count)
        order = torch.cat([torch.randperm(count, generator=generator) for _ in range(epochs)])
        return list(order[: self.steps * size].split(size))

    def _step(
        self, fabric: Any, module: nn.Module, optimisers: Optimisers, step: int, batch: Tensor, images: Tensor
    ) -> Tensor:
        # Numbers of its own for each step: a training that was stopped draws the same ones when it goes on.
        own = stream(f"step {step} process {fabric.global_rank}", self.seed)
        generator = Generator().manual_seed(own)
        torch.manual_seed(own)  # dropout
        x = random_crop(images, self.recipe.crop_padding, generator)
        x = random_flip(x, generator) if self.recipe.flip else x
        label = self.split.labels[batch.to(self.split.labels.device)]
        part = self.poison.parts(batch, generator) if self.poison else None
        try:
            loss: Tensor = module(x.float().div_(255), label, part, generator)
            for optimiser in optimisers:
                optimiser.zero_grad(set_to_none=True)
            fabric.backward(loss)
            for optimiser in optimisers:
                optimiser.step()
        except torch.OutOfMemoryError as error:
            fitting = _fitting(fabric, module, len(x), lambda size: (x[:size].float().div_(255), label[:size]))
            raise PeepholeError(
                f"a batch of {len(x)} pictures does not fit in the memory of {fabric.device}"
                + (f", one of {fitting} does; use --train-batch {fitting}." if fitting else ", not even one picture.")
            ) from error
        return loss.detach()

    def _check(self, loss: Tensor) -> None:
        if not bool(torch.isfinite(loss)):
            raise PeepholeError(
                f"training diverged: the loss is {loss.item()}; use a lower learning rate than "
                f"{self.recipe.learning_rate:g}."
            )


def _fitting(fabric: Any, module: nn.Module, size: int, batch: Any) -> int:
    """The largest half, quarter, … of a batch whose forward and backward pass fit in memory; 0 if none does."""
    while size := size // 2:
        module.zero_grad(set_to_none=True)
        try:
            fabric.backward(module(*batch(size), None, Generator()))
        except torch.OutOfMemoryError:
            continue
        return size
    return 0
