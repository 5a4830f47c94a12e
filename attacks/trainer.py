"""Where and how trainings run: device, precision, compilation, several devices, checkpoints. No part of the science."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from peephole.attacks.checkpoint import Checkpoint

Precision = Literal["32-true", "bf16-mixed"]
Report = Callable[[float], None]
"""Called during long work with the share that is done, in [0,1]."""


@dataclass(frozen=True)
class Trainer:
    """The machine of a training.

    Attributes:
        device: where to train; the first of several.
        precision: as Lightning Fabric names it: ``32-true`` or ``bf16-mixed``.
        devices: how many devices work on one training, each on its part of every batch.
        compiled: whether networks are compiled, which takes a minute and pays in long trainings on a GPU.
        folder: where checkpoints are kept, if anywhere.
        name: of what is being trained; checkpoints are named by it.
        report: told of the progress.
    """

    device: torch.device
    precision: Precision = "32-true"
    devices: int = 1
    compiled: bool = False
    folder: Path | None = None
    name: str = ""
    report: Report | None = None

    def checkpoint(self, stage: str) -> Checkpoint | None:
        """Where the state of one stage of the work is kept."""
        return Checkpoint(self.folder / f"{self.name}-{stage}.pt") if self.folder else None

    def part(self, start: float, end: float) -> Trainer:
        """A trainer whose reports fill the part from ``start`` to ``end`` of this one's."""
        report = self.report
        if report is None:
            return self
        return replace(self, report=lambda share: report(start + (end - start) * share))

    def fabric(self) -> Any:
        """Lightning's Fabric for this machine, not yet launched."""
        from lightning_fabric import Fabric
        from lightning_fabric.plugins.environments.lightning import LightningEnvironment

        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it tells users how it is set up
        several = self.devices > 1
        index = self.device.index or 0
        return Fabric(
            accelerator=self.device.type,
            devices=[index] if self.device.type == "cuda" and not several else self.devices,
            strategy="ddp_spawn" if several else "auto",
            precision=self.precision,
            plugins=LightningEnvironment(),  # this machine, also where a cluster's scheduler says that there are more
        )
