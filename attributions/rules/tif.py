"""Threshold interception and fusion of all layers (the layer choice study, P1, section 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS, Attribution, layers_of
from peephole.attributions.canonical import Canonical
from peephole.attributions.combining import AnyMethod
from peephole.attributions.rule import Rule
from peephole.attributions.rules.deeplift import DeepLift
from peephole.errors import PeepholeError

if TYPE_CHECKING:
    from peephole.attributions.question import Question


ROUNDING = 1e-6


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class Tif(Rule):
    """``Σ_l ψ(min(R̃_l · 1[R̃_l > s_l((l+1)/L · (1−α))], s_l(l/L · (1−α))))`` (P1 eq. 2): one map ``[B,1,H,W]`` in [0,L].

    ``R̃_l`` is the map of layer ``l`` of ``L``, the picture being the first: channels summed, enlarged bilinearly to the
    picture, negative part cut off. ``s_l(t)`` is its value at the share ``t`` from the top: the ⌈tN⌉-th largest of
    ``N`` places, the largest for t = 0. ``ψ`` brings a map to [0,1] by its smallest and largest value, a constant
    one to 0. So low layers say where the highest scores lie, high layers where the lower ones do. α = 0 is eq. 1.

    Attributes:
        method: the method that is fused, any that has a map at every layer.
        alpha: α in [0,1): the share of places, lowest scores first, that no layer speaks for.
    """

    title: ClassVar[str] = "TIF"
    source: ClassVar[str] = "Delve into the layer choice of BP-based attribution explanations, section 5, eq. 1 and 2."

    method: AnyMethod = DeepLift()
    alpha: Annotated[float, Field(ge=0, lt=1)] = 0.9

    def layers(self, model: Canonical) -> tuple[str, ...]:
        """Only the picture's: all layers are fused into one map."""
        return model.layers[:1]

    def uses(self) -> tuple[Attribution, ...]:
        """The method that is fused."""
        return (self.method,)

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """The fused map."""
        own = self.layers(question.model)
        if set(layers) != set(own):
            wrong = next(layer for layer in layers if layer not in own)
            raise PeepholeError(f"tif fuses all layers into one map, at '{own[0]}'; it has none at '{wrong}'.")
        if layers_of(self.method, question.model) != question.model.layers:
            raise PeepholeError("tif fuses the maps of all layers, and its method has maps at some only; name another.")
        maps = question.maps(self.method, question.model.layers)
        relevance = [to_size(values, question.x.shape[2:]) for values in maps.values()]
        fused = torch.stack([standardised(part) for part in intercepted(relevance, self.alpha)]).sum(0)
        return {own[0]: fused}


def to_size(values: Tensor, size: Sequence[int]) -> Tensor:
    """``σ(φ(Σ_c r_c))``: ``[B,1,H,W]``."""
    total = values.sum(1, keepdim=True)
    enlarged = F.interpolate(total, tuple(size), mode="bilinear", align_corners=False).relu()
    low, high = enlarged.amin((2, 3), keepdim=True), enlarged.amax((2, 3), keepdim=True)
    # A map that is the same everywhere stays so: rounding must not be brought to [0,1].
    return torch.where(high - low <= ROUNDING * high, high, enlarged)


def intercepted(maps: Sequence[Tensor], alpha: float) -> list[Tensor]:
    """The band of scores that each of ``maps``, lowest layer first, may speak for; ``[B,1,H,W]`` each."""
    found = []
    for index, values in enumerate(maps):
        ranked = values.flatten(1).sort(1, descending=True).values
        low, high = (_score(ranked, (index + step) / len(maps) * (1 - alpha)).reshape(-1, 1, 1, 1) for step in (1, 0))
        found.append(torch.minimum(values * (values > low), high))
    return found


def _score(ranked: Tensor, share: float) -> Tensor:
    """``s(t)`` of scores ``[B,N]`` in falling order."""
    # Rounding first: 3 places of 10 are asked for as 0.30000000000000004.
    place = math.ceil(round(share * ranked.shape[1], 6))
    return ranked[:, max(place, 1) - 1]


def standardised(values: Tensor) -> Tensor:
    """``ψ``: each picture's values shifted and scaled to [0,1]; zeros where they are all the same."""
    low, high = values.amin((1, 2, 3), keepdim=True), values.amax((1, 2, 3), keepdim=True)
    return torch.where(high > low, (values - low) / (high - low).clamp(min=torch.finfo(values.dtype).tiny), 0)
