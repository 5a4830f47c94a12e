"""The parts that a canonical graph is made of: call sites and cut points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import nn

from peephole.attributions.frames import PLAIN, Frame
from peephole.attributions.operations import Operation, name_of, operation_of


@dataclass(frozen=True)
class Site:
    """One call of one module. Values have numbers; 0 is what the graph is given.

    Attributes:
        name: the module's path in the graph.
        module: the module, which no other site calls.
        inputs: the numbers of the values it is called with.
        output: the number of the value it returns.
        known: what the module computes, where its type does not say it.
        frame: where channels and places stand in what it returns; None if that is not known.
        batch_first: whether what it returns has a picture a row.
        shape: of what it returns for two pictures of the size that the graph was made with; empty if that is no tensor.
        read: of arithmetic of shapes: what it gave for two and for three pictures.
    """

    name: str
    module: nn.Module
    inputs: tuple[int, ...]
    output: int
    known: Operation | None = None
    frame: Frame | None = None
    batch_first: bool = True
    shape: tuple[int, ...] = ()
    read: tuple[Any, Any] | None = None

    @cached_property
    def operation(self) -> Operation:
        """What the module computes."""
        return self.known or operation_of(self.module)

    @property
    def described(self) -> str:
        """The operation, the site and what is called there, in words."""
        return f"{self.operation.value}, '{self.name}' ({name_of(self.module)})"


@dataclass(frozen=True)
class Cut:
    """A cut point: a tensor that every path from the picture to the logits crosses.

    Attributes:
        name: the outermost module that returns the tensor.
        value: the tensor's number.
        shape: its shape without the batch, for pictures of the size that the graph was made with.
        batch: the axis of its batch, and how many rows there are for two pictures.
        frame: where channels and places stand in it; None if it has no places.
    """

    name: str
    value: int
    shape: tuple[int, ...]
    frame: Frame | None = PLAIN
    batch: tuple[int, int] = (0, 2)

    @property
    def spatial(self) -> tuple[int, ...]:
        """Channels, height and width as a layer has them; the tensor's own shape if it has no places."""
        return self.shape if self.frame is None else self.frame.spatial(self.shape)
