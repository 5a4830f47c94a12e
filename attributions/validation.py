"""What a rule is called with, checked in one place."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from peephole.attributions.canonical import Canonical
from peephole.errors import PeepholeError


def check_call(model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> None:
    """Refuse what `Attribution.attribute` cannot work with.

    Raises:
        PeepholeError: ``model`` is no canonical graph or in training mode, ``layers`` is empty or names something
            else than spatial cut points, ``x`` or ``target`` has the wrong type, shape, dtype, device or values, or
            gradients are forbidden by `torch.inference_mode`.
    """
    _check_model(model)
    _check_layers(model, layers)
    _check_pictures(model, x)
    _check_target(model, x, target)
    if torch.is_inference_mode_enabled() or x.is_inference():
        raise PeepholeError("torch.inference_mode forbids gradients; call attributions under torch.no_grad instead.")


def _check_model(model: Canonical) -> None:
    if not isinstance(model, Canonical):
        raise PeepholeError(
            f"the model is a {type(model).__name__}; expected its canonical graph: canonicalise(model)."
        )
    training = next((name for name, module in model.named_modules() if module.training), None)
    if training is not None:
        raise PeepholeError(f"module '{training}' of the model is in training mode; call model.eval() first.")


def _check_layers(model: Canonical, layers: Sequence[str]) -> None:
    if isinstance(layers, str) or not layers:
        raise PeepholeError(f"layers is {layers!r}; expected one or more names, for example {model.layers[:1]}.")
    for layer in layers:
        cut = model.cut(layer)
        why = (
            "has no height and width"
            if len(model.shapes[layer]) != 3
            else "is no picture: its axes are no places of it"
        )
        if len(model.shapes[layer]) != 3 or cut.frame is None:
            raise PeepholeError(f"'{layer}' {why}; expected spatial cut points such as {', '.join(model.layers)}.")


def _check_pictures(model: Canonical, x: Tensor) -> None:
    channels = model.shapes[model.cuts[0]][0]
    whole = model.cuts[0] == "input"
    if whole and model.one_size and isinstance(x, Tensor) and x.ndim == 4 and x.shape[1:] != model.shapes["input"]:
        raise PeepholeError(
            f"x is of shape {tuple(x.shape)}, and the network's code decides by the size of its pictures; this graph "
            f"is for {'×'.join(map(str, model.shapes['input']))}: canonicalise the network for that size."
        )
    if not isinstance(x, Tensor) or x.ndim != 4 or x.shape[1] != channels or not len(x):
        found = f"of shape {tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise PeepholeError(f"x is {found}; expected a tensor [B,{channels},H,W] with at least one picture.")
    weight = next(model.parameters(), x)
    if x.dtype != weight.dtype or not x.is_floating_point():
        raise PeepholeError(f"x is {x.dtype}; expected the model's {weight.dtype}: convert the pictures.")
    if x.device != weight.device:
        raise PeepholeError(f"x is on {x.device}; expected the model's {weight.device}: move one of them.")
    if not x.isfinite().all():
        raise PeepholeError("x has NaN or infinite values; expected pictures in [0,1]: check how they were made.")


def _check_target(model: Canonical, x: Tensor, target: Tensor) -> None:
    if not isinstance(target, Tensor) or target.dtype != torch.int64 or target.shape != x.shape[:1]:
        found = f"{target.dtype} {tuple(target.shape)}" if isinstance(target, Tensor) else type(target).__name__
        raise PeepholeError(f"target is {found}; expected one int64 label a picture, shape ({len(x)},).")
    if target.device != x.device:
        raise PeepholeError(f"target is on {target.device}; expected the pictures' {x.device}: move it.")
    classes = model.shapes[model.cuts[-1]][0]
    low, high = int(target.min()), int(target.max())
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        raise PeepholeError(f"target {wrong} is no label of the model; expected 0 to {classes - 1}.")
