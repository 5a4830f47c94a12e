"""A network as metrics see it: decisions on pictures, and what the last linear layer looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from peephole.errors import PeepholeError
from peephole.memory_layout import FoundLayout

BATCH = 128
HALVINGS = 3


class Examined:
    """A trained network that answers for metrics, in single precision and in batches of bounded size.

    Args:
        normalise: what the network does to pictures in [0,1] first.
        network: the rest, from normalised pictures to logits, in eval mode.
        steps: how many steps a curve over pictures has, see `peephole.leaderboard.perturbation`.
        halvings: how often a step is halved in which the decision changes, see `peephole.leaderboard.halving`.
        batch: pictures a pass; no result depends on it.
    """

    def __init__(
        self,
        normalise: Callable[[Tensor], Tensor],
        network: nn.Module,
        *,
        steps: int = 32,
        halvings: int = HALVINGS,
        batch: int = BATCH,
    ) -> None:
        if steps < 1 or batch < 1 or halvings < 0:
            raise PeepholeError(
                f"steps is {steps}, batch {batch} and halvings {halvings}, expected at least 1, 1 and 0; give more"
            )
        self.normalise = normalise
        self.network = network
        self.steps = steps
        self.halvings = halvings
        self.batch = batch
        self._layout = FoundLayout()

    def of_inputs(self) -> Examined:
        """The same network, asked about pictures that are normalised already, so that zero there is exactly zero."""
        other = Examined(nn.Identity(), self.network, steps=self.steps, halvings=self.halvings, batch=self.batch)
        other._layout = self._layout
        return other

    def decisions(self, pictures: Tensor) -> Tensor:
        """The label that each picture gets: float32 ``[B,C,H,W]`` in [0,1] to int64 ``[B]``."""
        return self._answers(pictures, lambda part: self.network(self.normalise(part)).argmax(dim=1))

    def weighted_features(self, inputs: Tensor) -> Tensor:
        """For each picture, what the last linear layer adds up for its decision: ``v * A``.

        Args:
            inputs: float32 ``[B,C,H,W]``, as the network gets them: normalised already.

        Returns:
            float32 ``[B,F]``: the input A of the last linear layer times the weight row v of the decision on that same
            picture.

        Raises:
            PeepholeError: the network has no linear layer.
        """
        return self._answers(inputs, self._weighted)

    def _weighted(self, inputs: Tensor) -> Tensor:
        with _linear_calls(self.network) as calls:
            decision = self.network(inputs).argmax(dim=1)
        if not calls:
            raise PeepholeError(
                "the network has no linear layer, expected one at its end; leave out the metrics that look at its input"
            )
        last, features = calls[-1]
        return features * last.weight[decision]

    def _answers(self, pictures: Tensor, answer: Callable[[Tensor], Tensor]) -> Tensor:
        with torch.inference_mode():
            parts = [self._layout.run(answer, part) for part in pictures.split(self.batch)]
            return torch.cat(parts)


@contextmanager
def _linear_calls(network: nn.Module) -> Iterator[list[tuple[nn.Linear, Tensor]]]:
    """The linear layers of ``network`` that are called while in the context, with what they get, in order."""
    calls: list[tuple[nn.Linear, Tensor]] = []
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    handles = [
        module.register_forward_pre_hook(lambda module, inputs: calls.append((module, inputs[0]))) for module in linear
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()
