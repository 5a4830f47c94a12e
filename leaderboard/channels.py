"""Maps that come with their channels: what they must be, for metrics that feed them back or compare them with x."""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes

TIE = 2.0**-36
"""Values that differ by less than this share of the largest magnitude are one, as in `peephole.leaderboard.ranks`:
bringing a map to the picture's resolution leaves rounding errors."""


def with_channels(relevance: Tensor, probes: Probes) -> Tensor:
    """Signed maps that keep their channels, in float64.

    Args:
        relevance: floating point ``[N,T,c,H,W]``, where c is 1 or the number of the picture's channels; one channel
            speaks for all of them alike.
        probes: the pictures.

    Returns:
        float64 of the same shape.

    Raises:
        PeepholeError: another shape, or maps that hold NaN or infinity.
    """
    count, channels, height, width = probes.image.shape
    expected = (count, probes.target.shape[1])
    fits = relevance.dim() == 5 and relevance.shape[:2] == expected and relevance.shape[3:] == (height, width)
    if not (fits and relevance.is_floating_point() and relevance.shape[2] in (1, channels)):
        raise PeepholeError(
            f"relevance is {relevance.dtype} {list(relevance.shape)}, expected floating point "
            f"{[*expected, f'1 or {channels}', height, width]} with its channels; score maps with score_maps"
        )
    maps = relevance.to(torch.float64)
    if not bool(maps.isfinite().all()):
        bad = (~maps.isfinite()).flatten(2).any(dim=2)
        raise PeepholeError(
            f"{int(bad.sum())} of {bad.numel()} maps hold NaN or infinity, expected finite numbers; "
            "mend the attribution method"
        )
    return maps


def largest(maps: Tensor) -> Tensor:
    """The largest magnitude of each map ``[N,c,H,W]``, as ``[N,1,1,1]``."""
    return maps.abs().amax(dim=(1, 2, 3), keepdim=True)
