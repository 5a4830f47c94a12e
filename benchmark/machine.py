"""What a run computes on. No result's identity depends on it; every result says it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from peephole.errors import PeepholeError

if TYPE_CHECKING:
    from peephole.attacks.trainer import Precision

BATCH = 64
"""Larger batches are slower on a processor and faster on a GPU."""
PRECISIONS: Mapping[str, Precision] = MappingProxyType({"float32": "32-true", "bfloat16": "bf16-mixed"})
"""Of trainings; by our names those of Lightning Fabric."""


@dataclass(frozen=True)
class Machine:
    """Devices and how they are used.

    Attributes:
        device: a torch device, or ``auto``: the first CUDA device if there is one, else the processor.
        devices: how many of its kind work on one training, each on its part of every batch.
        precision: of trainings: ``auto``, which is bfloat16 where a GPU has it and float32 elsewhere, or one of
            `PRECISIONS`. Certificates and explanations are in float32 always.
        compiled: whether trainings compile the network, which takes a minute and pays in long ones on a GPU.
        batch: pictures a pass of an explanation.
        workers: processes that compute at once, each with its share of the processor's threads.
        engine: where units are computed, as a text: see `peephole.engines.base`.

    Raises:
        PeepholeError: a number below 1, or a precision that does not exist.
    """

    device: str = "auto"
    devices: int = 1
    precision: str = "auto"
    compiled: bool = False
    batch: int = BATCH
    workers: int = 1
    engine: str = "local"

    def __post_init__(self) -> None:
        for flag, number in (("--devices", self.devices), ("--batch", self.batch), ("--workers", self.workers)):
            if number < 1:
                raise PeepholeError(f"{flag} must be above 0, not {number}.")
        if self.precision not in ("auto", *PRECISIONS):
            raise PeepholeError(
                f"there is no precision '{self.precision}'; --precision takes auto, {', '.join(PRECISIONS)}."
            )

    @property
    def is_local(self) -> bool:
        """Whether units are computed on this machine, so that devices are this machine's."""
        return self.engine.partition("(")[0] == "local"


def core_count() -> int:
    """The processor's cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_count() -> int:
    """How many threads computations have here: what ``OMP_NUM_THREADS`` says, else one a core. Without torch."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdecimal() and int(wanted) > 0 else core_count()


def device_kind(device: str) -> str:
    """``"cpu"``, ``"cuda"`` or another kind of device; of ``"auto"``, what there is."""
    if device != "auto":
        return device.partition(":")[0]
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
