"""What a method returned, checked before anybody believes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from peephole.attributions.canonical import Canonical
from peephole.errors import PeepholeError


def check_maps(name: str, maps: object, model: Canonical, x: Tensor, layers: Sequence[str]) -> Mapping[str, Tensor]:
    """Refuse maps that are not what `Attribution.attribute` promises; else give them back.

    Raises:
        PeepholeError: there is no mapping, a map is missing or no tensor, is not ``[B,c,h,w]`` or ``[B,1,h,w]`` at the
            layer's or at the picture's size, or has no values, NaN or infinite ones.
    """
    if not isinstance(maps, Mapping):
        raise PeepholeError(f"{name} returned {type(maps).__name__}; expected a map for each layer: dict[str, Tensor].")
    shapes = shapes_of(model, x, layers)
    for layer in layers:
        values = maps.get(layer)
        if not isinstance(values, Tensor):
            raise PeepholeError(f"{name} returned {type(values).__name__} for '{layer}'; expected a tensor [B,c,h,w].")
        check_shape(name, layer, tuple(values.shape), shapes[layer], tuple(x.shape))
        if values.is_meta:
            raise PeepholeError(f"{name} returned a map without values (device meta) for '{layer}'; expected numbers.")
        if not values.isfinite().all():
            picture = int((~values.isfinite()).flatten(1).any(1).nonzero()[0])
            raise PeepholeError(
                f"{name} returned NaN or infinite values at '{layer}', first for picture {picture}; expected finite "
                "maps: leave the layer out or change the method's options."
            )
    return maps


def shapes_of(model: Canonical, x: Tensor, layers: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The shapes of the layers for pictures of this size, without the batch."""
    if tuple(x.shape[2:]) == model.shapes[model.cuts[0]][1:]:
        return {layer: model.shapes[layer] for layer in layers}
    with torch.no_grad():
        kept = model.run(x[:1], keep=layers)[1]
    return {layer: tuple(model.picture(layer, kept[layer]).shape[1:]) for layer in layers}


def check_shape(
    name: str, layer: str, found: tuple[int, ...], shape: tuple[int, ...], picture: tuple[int, ...]
) -> None:
    """Refuse a map of shape ``found`` at a layer of ``shape``, for pictures ``[B,C,H,W]`` of shape ``picture``.

    Raises:
        PeepholeError: it is neither ``[B,c,h,w]`` nor ``[B,1,h,w]`` at the layer's or at the picture's size.
    """
    batch, channels, sizes = picture[0], {shape[0], 1}, {shape[1:], picture[2:]}
    if len(found) != 4 or found[0] != batch or found[1] not in channels or found[2:] not in sizes:
        expected = " or ".join(
            str((batch, count, *size)) for size in sorted(sizes) for count in sorted(channels, reverse=True)
        )
        raise PeepholeError(f"{name} returned a map of shape {found} for '{layer}'; expected {expected}.")
