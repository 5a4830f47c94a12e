"""A forward pass on record, through which any number of rules can go back."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from peephole.attributions.canonical import Canonical
from peephole.attributions.operations import Operation
from peephole.attributions.site import Site

Leaf = tuple[int, Tensor]
"""The number of a value, and the tensor that stands for it where it is read."""


@dataclass(frozen=True, eq=False)
class Step:
    """One call site as it ran. Its piece of the autograd graph ends at its own inputs.

    Attributes:
        site: the call site.
        position: its place among the sites of the graph.
        output: what it returned.
        leaves: the values that the output depends on. Most sites have one; a sum has two.
        fixed: what else the site was called with, by number: what is known from shapes alone.
    """

    site: Site
    position: int
    output: Any
    leaves: tuple[Leaf, ...]
    fixed: Mapping[int, Any] = field(default_factory=dict)

    @property
    def input(self) -> Tensor:
        """The only value that the site reads."""
        ((_, tensor),) = self.leaves
        return tensor.detach()

    def again(self, values: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The output for other values in the place of the leaves, and the leaves that it can be differentiated by."""
        with torch.enable_grad():
            leaves = tuple(value.detach().requires_grad_() for value in values)
            by_number = {**self.fixed, **dict(zip((number for number, _ in self.leaves), leaves, strict=True))}
            output: Tensor = self.site.module(*[by_number[number] for number in self.site.inputs])
        return output, leaves

    def pull(self, signal: Tensor) -> tuple[Tensor | None, ...]:
        """What the plain chain rule makes of ``signal``, for each leaf; None where nothing depends on it."""
        if not self.output.requires_grad:
            return (None,) * len(self.leaves)
        tensors = [tensor for _, tensor in self.leaves]
        return torch.autograd.grad(self.output, tensors, signal, retain_graph=True, allow_unused=True)


Handler = Callable[[Step, Tensor], tuple[Tensor | None, ...]]
"""What a rule does at a call site: from the signal at its output to that at each leaf, as `Step.pull` gives it."""


class Tape:
    """The call sites of a graph from one cut point up to the logits, as they ran on one batch.

    No hook is set, no module changed; grad mode and random state stay as they are. Memory is that of a forward pass
    that keeps its activations.

    Args:
        model: a canonical graph.
        value: the tensor at ``after``, ``[B,…]``.
        after: the cut point where the record begins.
    """

    def __init__(self, model: Canonical, value: Tensor, after: str) -> None:
        self.model = model
        self.first = model.cut(after).value
        self.steps: list[Step] = []
        self._leaves: dict[int, tuple[Leaf, ...]] = {}
        self._position = model.depth(after)
        with torch.enable_grad():
            start = value.detach().requires_grad_()
            self._leaves[self.first] = ((self.first, start),)
            logits, _ = model.run(start, after=after, call=self._recorded)
        self.logits: Tensor = logits.detach()
        """``[B,classes]``."""

    def activation(self, cut: str) -> Tensor:
        """The tensor at a cut point on the tape."""
        ((_, tensor),) = self._leaves[self.model.cut(cut).value]
        return tensor.detach()

    def back(
        self,
        signal: Tensor,
        choose: Callable[[Step], Handler | None],
        *,
        keep: Container[int],
        change: Callable[[int, Tensor], Tensor] = lambda value, signal: signal,
        until: int = 0,
    ) -> dict[int, Tensor]:
        """Send ``signal`` from the logits down.

        Args:
            signal: at the logits, ``[B,classes]``.
            choose: what handles a site; None for the plain chain rule. What several readers send to a value is added.
            keep: the numbers of the values whose signal is wanted.
            change: what becomes of the signal at a value, before it is kept and goes on.
            until: the position of the last site to go through.

        Returns:
            The signal at each wanted value that it reached.
        """
        signals = {self.model.sites[-1].output: signal}
        found: dict[int, Tensor] = {}

        def arrive(value: int) -> Tensor | None:
            arrived = signals.pop(value, None)
            if arrived is not None:
                arrived = change(value, arrived)
                if value in keep:
                    found[value] = arrived
            return arrived

        for step in reversed(self.steps):
            if step.position < until:
                break
            arrived = arrive(step.site.output)
            if arrived is None:
                continue
            handler = choose(step)
            sent = step.pull(arrived) if handler is None else handler(step, arrived)
            for (value, _), part in zip(step.leaves, sent, strict=True):
                if part is not None:
                    signals[value] = signals[value] + part if value in signals else part
        for value in list(signals):
            arrive(value)
        return found

    def _recorded(self, site: Site) -> Callable[..., Any]:
        def call(*inputs: Any) -> Any:
            output = site.module(*inputs)
            shape = site.operation is Operation.SHAPE
            read = {} if shape else dict(leaf for value in site.inputs for leaf in self._leaves.get(value, ()))
            leaves = tuple(read.items())
            fixed = {
                number: value for number, value in zip(site.inputs, inputs, strict=True) if not self._leaves.get(number)
            }
            self.steps.append(Step(site, self._position, output, leaves, fixed))
            self._position += 1
            if isinstance(output, Tensor) and output.is_floating_point() and not shape:
                output = output.detach().requires_grad_()
                leaves = ((site.output, output),)
            # What is no tensor (a size, a tuple of parts) stays tied to its site: its readers go back through it.
            self._leaves[site.output] = leaves
            return output

        return call
