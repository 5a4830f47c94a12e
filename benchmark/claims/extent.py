"""How much a study looks at beside the run: the same for all claims, and not theirs to choose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Extent:
    """Sizes of the experiments that are no part of a suite.

    Attributes:
        pictures: that are explained in an experiment on one network.
        boxed: pictures with boxes of objects that are explained to each clean model.
        draws: networks with random weights of each kind.
        deep_model: the deep network of P2's experiments, untrained.
        deep_side: height and width of its pictures.
        deep_pictures: that it explains.
        deep_levels: of its cascades, at most.
    """

    pictures: int
    boxed: int
    draws: int
    deep_model: str = "torchvision_vgg16"
    deep_side: int = 224
    deep_pictures: int = 8
    deep_levels: int = 8


FULL = Extent(pictures=64, boxed=200, draws=2)
QUICK = Extent(pictures=16, boxed=20, draws=2, deep_side=32, deep_pictures=4, deep_levels=4)
