"""What stands in for a pixel that is taken out of a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import Literal

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from peephole.leaderboard.examined import Examined

Baseline = Literal["zero", "black", "blur"]

BLUR = 1 / 8
"""The standard deviation of the blur as a share of the picture's shorter side, so that a mark of a quarter of the side
loses its shape."""
REACH = 3
"""How many standard deviations the blur looks to each side."""


def baseline_inputs(baseline: Baseline, examined: Examined, image: Tensor) -> Tensor:
    """Pictures without what is in them, as the network gets them.

    Args:
        baseline: ``zero`` in the network's own normalised space (P1, A.2), ``black`` in the space of pictures, or the
            picture under a Gaussian ``blur``.
        examined: the network, for its normalisation.
        image: float32 ``[N,C,H,W]`` in [0,1].

    Returns:
        float32, normalised: ``[N,C,H,W]``, or ``[1,C,H,W]`` where it is the same for all pictures.
    """
    return _MAKERS[baseline](examined, image)


def blurred(image: Tensor) -> Tensor:
    """Float32 ``[N,C,H,W]`` under a Gaussian of `BLUR` of the shorter side, mirrored at the edges."""
    sigma = BLUR * min(image.shape[2:])
    length = 2 * ceil(REACH * sigma) + 1
    # One axis after the other: the same blur for far fewer products.
    soft: Tensor = gaussian_blur(gaussian_blur(image, [length, 1], [sigma, sigma]), [1, length], [sigma, sigma])
    return soft


def _zero(examined: Examined, image: Tensor) -> Tensor:
    return torch.zeros_like(image[:1])


def _black(examined: Examined, image: Tensor) -> Tensor:
    return examined.normalise(torch.zeros_like(image[:1]))


def _blur(examined: Examined, image: Tensor) -> Tensor:
    return examined.normalise(blurred(image))


_MAKERS: Mapping[Baseline, Callable[[Examined, Tensor], Tensor]] = {"zero": _zero, "black": _black, "blur": _blur}
