"""pytorch-grad-cam on the canonical graph, or on a stock transformer. It scales its maps and enlarges them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytorch_grad_cam
import torch
from comparison import Comparison, Peer, last, only, stock
from measures import Maps, correlation
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from subjects import Subject
from torch import Tensor

from peephole.attributions.adapters.sequence import in_sequence


def cam(kind: Any) -> Peer:
    """A class of the library, once for each layer."""

    def maps(subject: Subject, layers: Sequence[str]) -> Maps:
        part, picture = in_sequence(subject.model.above("input")), subject.activations["input"]
        targets = [ClassifierOutputTarget(label) for label in subject.target.tolist()]
        found = {}
        for layer in layers:
            modules = [] if kind is pytorch_grad_cam.FullGrad else [part.module(layer)]
            # Score-CAM draws a progress bar there.
            with contextlib.redirect_stderr(io.StringIO()), kind(part, modules) as explain, torch.enable_grad():
                found[layer] = torch.from_numpy(explain(picture.clone().requires_grad_(), targets))[:, None]
        return found

    return maps


def reshaping(height: int, width: int) -> Callable[[Tensor], Tensor]:
    """The ``reshape_transform`` of the library's manual: to ``[B,C,h,w]`` from ``[B,1+h·w,C]`` or ``[B,h,w,C]``."""

    def reshape_transform(values: Tensor) -> Tensor:
        if values.ndim == 3:
            values = values[:, 1:, :].reshape(values.size(0), height, width, values.size(2))
        return values.transpose(2, 3).transpose(1, 2)

    return reshape_transform


def of_stock(subject: Subject, layers: Sequence[str]) -> Maps:
    """Grad-CAM as people call it for transformers: on the network as its author wrote it."""
    picture = subject.activations["input"]
    targets = [ClassifierOutputTarget(label) for label in subject.target.tolist()]
    found = {}
    for layer in layers:
        channels, height, width = subject.model.shapes[layer]
        plain = tuple(subject.activations[layer].shape[1:]) == (channels, height, width)
        arguments = {} if plain else {"reshape_transform": reshaping(height, width)}
        modules = [subject.stock.get_submodule(layer)]
        with pytorch_grad_cam.GradCAM(subject.stock, modules, **arguments) as explain, torch.enable_grad():
            found[layer] = torch.from_numpy(explain(picture.clone().requires_grad_(), targets))[:, None]
    return found


def scaled(values: Tensor, subject: Subject) -> Tensor:
    """What the library makes of a map ``[B,1,h,w]``: its positive part, in [0,1], enlarged, in [0,1]."""
    height, width = subject.x.shape[2:]
    once = scale_cam_image(np.maximum(values[:, 0].numpy(), 0), (width, height))
    return torch.from_numpy(scale_cam_image(once))[:, None]


def rows() -> Iterator[Comparison]:
    """The comparisons with pytorch-grad-cam. What is scaled to [0,1] may have been a small remainder."""
    each = "it scales each channel to [0,1], the authors' code all channels together"
    softmax = "its weights are a softmax of logits over the channels, the authors' the label's probability"
    changed: dict[str, Any] = {"shown": scaled, "remark": correlation}
    for subject in ("resnet18", "vgg"):
        row = ("grad_cam", "grad-cam GradCAM", cam(pytorch_grad_cam.GradCAM))
        yield Comparison(subject, *row, dtype=torch.float64, shown=scaled)
        row = ("fullgrad", "grad-cam FullGrad", cam(pytorch_grad_cam.FullGrad))
        yield Comparison(subject, *row, only("input"), differs=each, **changed)
    for subject in ("timm_vit", "torchvision_vit", "swin"):
        row = ("grad_cam", "grad-cam GradCAM(reshape_transform=…)", of_stock, stock)
        yield Comparison(subject, *row, dtype=torch.float64, shown=scaled)
    row = ("score_cam", "grad-cam ScoreCAM", cam(pytorch_grad_cam.ScoreCAM))
    yield Comparison("vgg", *row, last, differs=softmax, **changed)
