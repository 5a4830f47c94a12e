"""A trigger that is ready to be stamped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Generator, Tensor, nn

from peephole.triggers.base import Canvas, Stamped
from peephole.triggers.geometry import check_pictures
from peephole.triggers.partial import partly


class Stamper(nn.Module, ABC):
    """A trigger drawn for pictures of one size. Whatever is random or learnt about it is in its ``state_dict``.

    Args:
        canvas: the pictures it is for.
        targets: the labels it leads to.

    Attributes:
        canvas, targets: as given.
        grid: into how many cells a side a mark is cut to measure which of them matter.
    """

    grid = 3

    def __init__(self, canvas: Canvas, targets: tuple[int, ...]) -> None:
        super().__init__()
        canvas.check(targets)
        self.canvas = canvas
        self.targets = targets
        self._labels: Tensor
        self.register_buffer("_labels", torch.tensor(targets), persistent=False)

    @abstractmethod
    def put(self, x: Tensor, which: Tensor, generator: Generator) -> Stamped:
        """Put one mark on each picture, the one that leads to ``targets[which]``; T is 1.

        Args:
            x: float32 ``[B,3,S,S]`` in [0,1] on the stamper's device.
            which: int64 ``[B]`` on the same device.
            generator: on the CPU; for what is random about a mark.
        """

    def stamp_target(self, x: Tensor, which: int | Tensor, generator: Generator | None = None) -> Stamped:
        """Put one mark on each picture.

        Args:
            x: float32 ``[B,3,S,S]`` in [0,1].
            which: the number of the mark's label among ``targets``: of all pictures, or int64 ``[B]``.
            generator: on the CPU; by default one with seed 0.

        Raises:
            PeepholeError: the pictures are not of the size that the trigger was drawn for.
        """
        check_pictures(x, self.canvas.side)
        if not isinstance(which, Tensor):
            which = torch.full((len(x),), which, device=x.device)
        return self.put(x, which, generator or Generator().manual_seed(0))

    def stamp(self, x: Tensor, generator: Generator | None = None) -> Stamped:
        """What a probe carries: one mark a picture; of several targets, any, by chance."""
        generator = generator or Generator().manual_seed(0)
        which = torch.randint(len(self.targets), (len(x),), generator=generator)
        return self.stamp_target(x, which.to(x.device), generator)

    def decoy(self, x: Tensor, which: Tensor, generator: Generator) -> Tensor:
        """Pictures that carry what is almost the trigger and should keep their label: here, parts of the mark.

        Arguments as of `put`; float32 ``[B,3,S,S]``.
        """
        return partly(x, self.put(x, which, generator), generator)

    def prepared(self) -> Iterable[nn.Parameter]:
        """What has to be trained on clean pictures, by `preparation_loss`, before anything is stamped."""
        return ()

    def preparation_loss(self, x: Tensor) -> Tensor:
        """The loss, a number, on clean pictures ``x`` in random order, of what has to be `prepared`."""
        raise NotImplementedError(f"{type(self).__name__} has nothing to prepare")

    def learnt(self) -> Iterable[nn.Parameter]:
        """What is trained together with the model."""
        return ()

    def facts(self) -> dict[str, float]:
        """What is worth knowing of it beside its options, by name."""
        return {}

    def labels_of(self, which: Tensor) -> Tensor:
        """The labels int64 ``[B,1]`` of marks ``which``."""
        return self._labels[which][:, None]
