"""Labelled pictures on their way to a device: all of them there at once, or read as they are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from peephole.errors import PeepholeError


class Split(Protocol):
    """One split of a data set. ``labels`` is int64 ``[N]`` on the device."""

    @property
    def labels(self) -> Tensor:
        """int64 ``[N]`` on the device."""
        ...

    def __len__(self) -> int: ...

    def stream(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """For each batch of indices (int64 ``[B]``, on the CPU) its pictures, uint8 ``[B,C,H,W]`` on the device."""
        ...


@dataclass(frozen=True)
class InMemory:
    """All pictures on the device as bytes: ``images`` uint8 ``[N,C,H,W]``, ``labels`` int64 ``[N]``."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def stream(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """See `Split.stream`."""
        for batch in batches:
            yield self.images[batch.to(self.images.device)]


class Readable(Protocol):
    """Pictures that are read one by one: ``pictures[i]`` is uint8 ``[C,H,W]``."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any) -> Any: ...


@dataclass(frozen=True)
class Streamed:
    """Pictures that do not fit in memory, decoded by worker processes a few batches ahead.

    Attributes:
        images: where they come from.
        labels: int64 ``[N]`` on the device.
        workers: processes that decode; 0 decodes in this one.
    """

    images: Readable
    labels: Tensor
    workers: int

    def __len__(self) -> int:
        return len(self.labels)

    def stream(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """See `Split.stream`."""
        device = self.labels.device
        loader = DataLoader(
            _Pictures(self.images),
            sampler=[batch.tolist() for batch in batches],
            batch_size=None,
            num_workers=self.workers,
            pin_memory=device.type == "cuda",
            generator=torch.Generator(),  # workers are seeded from it; by default, from everybody's
        )
        for pictures in loader:
            if isinstance(pictures, PeepholeError):
                raise pictures
            yield pictures.to(device, non_blocking=True)


@dataclass(frozen=True)
class _Pictures(Dataset[Tensor | PeepholeError]):
    """Batches of pictures by lists of indices, or what is wrong: raised in a worker it would come out as a trace."""

    images: Readable

    def __getitem__(self, batch: list[int]) -> Tensor | PeepholeError:
        try:
            return torch.from_numpy(np.stack([self.images[index] for index in batch]))
        except PeepholeError as error:
            return PeepholeError(str(error))


BATCH = 500


def in_order(split: Split, size: int = BATCH) -> Iterator[tuple[Tensor, Tensor]]:
    """The whole split in batches of ``size``: pictures uint8 ``[B,C,H,W]`` and labels int64 ``[B]``."""
    batches = list(torch.arange(len(split)).split(size))
    for batch, images in zip(batches, split.stream(batches), strict=True):
        yield images, split.labels[batch.to(split.labels.device)]
