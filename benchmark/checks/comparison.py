"""How different the maps of two answers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from peephole.checks.base import Verdict

TOLERANCE = 1e-4
"""Of the largest value of a map: what rounding makes of sums in another order is a hundred times less."""
AMPLIFIED = 2e-2
"""Up to here it may still be rounding, of a method that divides by sums near zero: LRP-αβ comes to 8e-3 for one picture
in twenty of an untrained network. It is warned of."""
FLOOR = 1e-2
"""A map whose largest value is less than this share of the layer's largest is measured against that share."""

Maps = Mapping[str, Tensor]


def difference(a: Maps, b: Maps) -> tuple[float, str]:
    """The largest difference between two maps ``[B,c,h,w]`` of one picture, as a share of the largest value of either,
    and the layer where it is. Maps of zeros do not differ from each other.
    """
    found = {layer: _largest(a[layer], b[layer]) for layer in a}
    where = max(found, key=lambda layer: found[layer])
    return found[where], where


def equality(found: str, far: float, layer: str) -> Verdict:
    """Whether maps that should be equal are, up to rounding.

    Args:
        found: which maps were compared.
        far: see `difference`.
        layer: where.
    """
    text = f"{found} {apart(far)}"
    if far <= TOLERANCE:
        return Verdict(True, text)
    text = f"{text}, at '{layer}'; allowed is {100 * TOLERANCE:g} %"
    if far <= AMPLIFIED:
        return Verdict(
            False, text, "look for divisions by what can be near zero, which make rounding large", grave=False
        )
    return Verdict(False, text)


def some(maps: Maps, pictures: Sequence[int]) -> dict[str, Tensor]:
    """The maps of these pictures, in this order."""
    return {layer: values[list(pictures)] for layer, values in maps.items()}


def _largest(a: Tensor, b: Tensor) -> float:
    if a.shape != b.shape:
        return float("inf")
    apart = (a - b).abs().flatten(1).amax(1)
    scale = a.abs().maximum(b.abs()).flatten(1).amax(1)
    scale = scale.clamp_min(FLOOR * float(scale.max()))
    return float((apart / scale.where(scale > 0, 1.0)).max())


def apart(far: float) -> str:
    """What `difference` found, as the end of a sentence about maps."""
    if far == 0:
        return "are the same"
    if far == float("inf"):
        return "have another size"
    percent = 100 * far
    return f"differ by {f'{percent:.0f}' if percent >= 1 else f'{percent:.1g}'} % of a map's largest value"
