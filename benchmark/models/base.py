"""What a model is here: a network that owns its normalisation and takes pictures in [0,1]."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from peephole.registry import Registry

if TYPE_CHECKING:
    from torch import nn


class Architecture(Protocol):
    """A way to build a network with random weights. One that also knows trained ones says so, see `KnowsWeights`.

    Attributes:
        title: the name for people.
        source: the citation.
    """

    title: ClassVar[str]
    source: ClassVar[str]

    def build(self, classes: int) -> nn.Module:
        """A freshly initialised network: normalised pictures ``[B,3,H,W]`` in, logits ``[B,classes]`` out."""
        ...


MODELS: Registry[type[Architecture]] = Registry(
    "model",
    "peephole.models",
    "peephole.models",
    support=("base", "factory", "modules", "named", "residual", "state_dicts", "torchvision_family", "weights"),
)
