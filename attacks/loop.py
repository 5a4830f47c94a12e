"""The steps of a training, on one device or several, that can be stopped and go on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor, nn

from peephole.attacks.augmentation import random_crop, random_flip
from peephole.attacks.checkpoint import Checkpoint
from peephole.attacks.interruption import deferred
from peephole.attacks.poison import Poison
from peephole.attacks.recipe import Recipe
from peephole.attacks.schedules import SCHEDULES
from peephole.attacks.splits import Split
from peephole.attacks.state import State
from peephole.attacks.trainer import Report, Trainer
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
        trainer = self.trainer
        if self.recipe.batch_size < trainer.devices:
            raise PeepholeError(
                f"a batch of {self.recipe.batch_size} pictures cannot be shared by {trainer.devices} devices; use a "
                "larger --train-batch or fewer --devices."
            )
        fabric = trainer.fabric()
        if trainer.devices == 1:
            with deferred() as stopped:
                self._run(fabric, module, optimisers, stopped, trainer.report)
            return
        from peephole.attacks.processes import launch

        launch(fabric, replace(self, trainer=replace(trainer, report=None))._run, module, optimisers, trainer.report)

    def _run(
        self, fabric: Any, module: nn.Module, optimisers: Optimisers, stopped: Callable[[], bool], report: Report | None
    ) -> None:
        wrapped, *wrapped_optimisers = fabric.setup(module, *optimisers)
        schedule = partial(SCHEDULES[self.recipe.schedule], steps=self.steps)
        schedulers = [torch.optim.lr_scheduler.LambdaLR(optimiser, schedule) for optimiser in optimisers]
        state = State(module, optimisers, schedulers)
        checkpoint = self.trainer.checkpoint(self.stage)
        start = self._resumed(state, checkpoint) if checkpoint else 0
        batches = [batch[fabric.global_rank :: fabric.world_size] for batch in self._batches()[start:]]
        cuda = [fabric.device] if fabric.device.type == "cuda" else []
        wrapped.train()
        saved = time.monotonic()
        with torch.random.fork_rng(cuda):
            for step, (batch, images) in enumerate(zip(batches, self.split.stream(batches), strict=True), start + 1):
                loss = self._step(fabric, wrapped, wrapped_optimisers, step, batch, images)
                for scheduler in schedulers:
                    scheduler.step()
                if step % CHECKED == 0 or step == self.steps:
                    self._check(loss)
                if report is not None:
                    report(step / self.steps)
                stop = stopped()
                if checkpoint and (stop or time.monotonic() - saved > checkpoint.every):
                    if fabric.is_global_zero:
                        checkpoint.save(state.saved(step))
                    saved = time.monotonic()
                if stop:
                    break

    def _resumed(self, state: State, checkpoint: Checkpoint) -> int:
        try:
            return state.restore(checkpoint.load())
        except (KeyError, RuntimeError, ValueError) as error:
            raise PeepholeError(
                f"the checkpoint {checkpoint.path} is not one of this training; remove it to train anew."
            ) from error

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
        # The split is on the first of several devices.
        x = random_crop(images.to(fabric.device), self.recipe.crop_padding, generator)
        x = random_flip(x, generator) if self.recipe.flip else x
        label = self.split.labels[batch.to(self.split.labels.device)].to(fabric.device)
        part = self.poison.parts(batch, generator) if self.poison else None
        try:
            return self._descend(fabric, module, optimisers, x.float().div_(255), label, part, generator)
        except torch.OutOfMemoryError:
            pass  # what the step held is free only outside of this block
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        fitting = fabric.world_size * _fitting(fabric, module, len(x), lambda n: (x[:n].float().div_(255), label[:n]))
        raise PeepholeError(
            f"a batch of {self.recipe.batch_size} pictures does not fit in the memory of {fabric.device}"
            + (f", one of {fitting} does; use --train-batch {fitting}." if fitting else ", not even one picture.")
        )

    def _descend(
        self,
        fabric: Any,
        module: nn.Module,
        optimisers: Optimisers,
        x: Tensor,
        label: Tensor,
        part: Tensor | None,
        generator: Generator,
    ) -> Tensor:
        loss: Tensor = module(x, label, part, generator)
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        fabric.backward(loss)
        for optimiser in optimisers:
            optimiser.step()
        return loss.detach()

    def _check(self, loss: Tensor) -> None:
        if not bool(torch.isfinite(loss)):
            raise PeepholeError(
                f"training diverged: the loss is {loss.item()}; use a lower learning rate than "
                f"{self.recipe.learning_rate:g}."
            )


def _fitting(fabric: Any, module: Any, size: int, batch: Callable[[int], tuple[Tensor, Tensor]]) -> int:
    """The largest half, quarter, … of a batch whose forward and backward pass fit in memory; 0 if none does."""
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    while size := size // 2:
        try:
            with fabric.autocast():
                # Past the wrapper for several devices: the others are not here to answer.
                loss = module.module(*batch(size), None, Generator())
            torch.autograd.grad(loss, weights, allow_unused=True)
        except torch.OutOfMemoryError:
            loss = None
            continue
        return size
    return 0
