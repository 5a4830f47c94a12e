"""The parts that a canonical graph is made of: call sites and cut points."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Site:
    """One call of one module. Values have numbers; 0 is what the graph is given.

    Attributes:
        name: the module's path in the graph.
        module: the module, which no other site calls.
        inputs: the numbers of the values it is called with.
        output: the number of the value it returns.
    """

    name: str
    module: nn.Module
    inputs: tuple[int, ...]
    output: int


@dataclass(frozen=True)
class Cut:
    """A cut point: a tensor that every path from the picture to the logits crosses.

    Attributes:
        name: the outermost module that returns the tensor.
        value: the tensor's number.
        shape: its shape without the batch, for pictures of the size that the graph was made with.
    """

    name: str
    value: int
    shape: tuple[int, ...]
