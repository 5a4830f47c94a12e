"""The family of rules that one backward pass makes: what a ReLU does with the signal, what a layer reads of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from torch import Tensor, nn

from peephole.attributions.backward import Substitution, backward, by_type
from peephole.attributions.canonical import Canonical
from peephole.attributions.validation import check_call

PLAIN: Mapping[type[nn.Module], Substitution] = MappingProxyType({})


class Propagation(ABC):
    """A rule that declares what it changes in the backward pass, and how it reads what arrives at a layer.

    Attributes:
        substitutions: for each type of module, what replaces it; see `peephole.attributions.backward.Substitution`.
    """

    substitutions: ClassVar[Mapping[type[nn.Module], Substitution]] = PLAIN

    def attribute(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The map of every layer, from one forward and one backward pass; see `Attribution.attribute`.

        Raises:
            PeepholeError: the arguments are not what the interface asks for.
        """
        check_call(model, x, target, layers)
        signal = backward(model, x, target, layers, by_type(self.substitutions))
        return {layer: self.read(signal.activation[layer], signal.gradient[layer]) for layer in layers}

    @staticmethod
    @abstractmethod
    def read(activation: Tensor, gradient: Tensor) -> Tensor:
        """The map at a layer, from its activation and what arrived there, both ``[B,c,h,w]``."""
