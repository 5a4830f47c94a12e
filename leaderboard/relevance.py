"""From a method's maps to one number a pixel: what happens to every map before a metric scores it.

P1 (Delve into the layer choice of BP-based attribution explanations, section 5) writes it
R~ = relu(upsample(sum over channels of R)). The sum and the up-sampling are done here once, `to_picture`; the ReLU is
left to the metrics, `positive`, so that a metric can still see signs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes


def to_picture(maps: Tensor, side: tuple[int, int]) -> Tensor:
    """Sum the channels of signed maps and bring them to the picture's resolution, signs kept.

    Bilinear, as P1 and GradCAM have it; ``align_corners=False``, which neither settles, because a layer's pixels stand
    for areas and not for the points at their corners. A map finer than the picture (a network that enlarges
    its input has such layers) is reduced with the same kernel widened (``antialias=True``), so that no pixel of the
    map goes unread.

    Args:
        maps: floating point ``[N,T,c,h,w]``, signed, at the layer's own resolution.
        side: height and width of the pictures.

    Returns:
        float64 ``[N,T,H,W]`` on the device of ``maps``, without gradient history.

    Raises:
        PeepholeError: another shape or dtype, or maps that hold NaN or infinity.
    """
    if maps.dim() != 5 or 0 in maps.shape[2:] or not maps.is_floating_point():
        raise PeepholeError(
            f"maps are {maps.dtype} {list(maps.shape)}, expected floating point [N,T,c,h,w]; "
            "return one map a picture and target at the layer's own resolution"
        )
    height, width = side
    maps = maps.detach()
    one = maps.shape[2] == 1  # as nearly all are stored; a sum over one channel costs more than a copy
    # A NaN or an infinity anywhere in a map survives the sum, so the reduced map tells about the whole one.
    reduced = require_finite(
        maps.squeeze(2).to(torch.float64, copy=True) if one else maps.sum(dim=2, dtype=torch.float64)
    )
    h, w = reduced.shape[-2:]
    if (h, w) == (height, width):
        return reduced
    if h > height or w > width or not reduced.numel():
        return functional.interpolate(reduced, size=(height, width), mode="bilinear", antialias=True)
    # All maps as the channels of one picture, innermost in memory: each weight is looked up once for all of them.
    innermost = reduced.flatten(0, 1).unsqueeze(0).contiguous(memory_format=torch.channels_last)
    picture = functional.interpolate(innermost, size=(height, width), mode="bilinear", align_corners=False)
    return picture.contiguous().view(*reduced.shape[:2], height, width)


def positive(relevance: Tensor) -> Tensor:
    """The positive part R+ = max(R, 0) in float64, the only place where metrics drop signs.

    Args:
        relevance: floating point ``[N,T,H,W]``, signed.

    Returns:
        A new float64 tensor of the same shape and device.

    Raises:
        PeepholeError: a map holds NaN or infinity.
    """
    return require_finite(relevance.to(torch.float64)).clamp(min=0)


def unit_peak(energy: Tensor) -> Tensor:
    """Divide each non-negative map by its own maximum; a map of zeros stays one.

    No sum over the result overflows, and what underflows is below 1e-300 of the peak: a score does not depend on a
    map's magnitude.

    Args:
        energy: float64 ``[N,T,H,W]``, non-negative.

    Returns:
        float64 ``[N,T,H,W]`` in [0,1].
    """
    peak = energy.amax(dim=(-2, -1), keepdim=True)
    return energy / torch.where(peak > 0, peak, torch.ones_like(peak))


def truth_mask(relevance: Tensor, probes: Probes, *, outside: bool = False) -> tuple[Tensor, Tensor]:
    """The truth masks and their sizes on the device of the maps, after a check that they belong together.

    Args:
        relevance: ``[N,T,H,W]``.
        probes: with masks ``[N,T,H,W]``.
        outside: whether each mask must leave some pixel out, so that a map can miss it.

    Returns:
        ``(inside, pixels)``: float64 ``[N,T,H,W]``, 1 in the mask and 0 elsewhere, and float64 ``[N,T]``.

    Raises:
        PeepholeError: there is no mask, the shapes differ, a mask is empty, or one covers the picture and must not.
    """
    inside = probes.inside.to(relevance.device)
    require_shape(relevance, inside)
    pixels = inside.sum(dim=(2, 3))
    empty = int((pixels == 0).sum())
    if empty:
        raise PeepholeError(
            f"{empty} of {pixels.numel()} truth masks are empty, expected at least one pixel each; "
            "leave out pictures without the trigger"
        )
    if outside and bool((pixels == inside.shape[2:].numel()).any()):
        raise PeepholeError(
            "a truth mask covers the whole picture, expected a part of it; there is nothing to locate, leave it out"
        )
    return inside, pixels


def require_shape(relevance: Tensor, truth: Tensor) -> None:
    """Refuse maps that are not one a truth and of its size.

    Raises:
        PeepholeError: the shapes differ.
    """
    if relevance.shape != truth.shape or relevance.dim() != 4:
        raise PeepholeError(
            f"relevance is {list(relevance.shape)}, expected the truth's {list(truth.shape)} [N,T,H,W]; "
            "bring maps to the picture's resolution with to_picture first"
        )


def require_finite(maps: Tensor) -> Tensor:
    """Hand on maps ``[N,T,H,W]`` that are numbers all over.

    Raises:
        PeepholeError: a map holds NaN or infinity.
    """
    if maps.numel():
        # NaN and infinity both show in a map's extremes, which takes no further tensor of its size to find.
        extremes = torch.stack([maps.amin(dim=(2, 3)), maps.amax(dim=(2, 3))])
        bad = ~torch.isfinite(extremes).all(dim=0)
        if bool(bad.any()):
            raise PeepholeError(
                f"{int(bad.sum())} of {bad.numel()} maps hold NaN or infinity, expected finite numbers; "
                "mend the attribution method"
            )
    return maps
