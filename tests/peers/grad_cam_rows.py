"""pytorch-grad-cam on the canonical graph. It scales its maps and enlarges them to the picture."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytorch_grad_cam
import torch
from comparison import Comparison, Peer, last, only
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
    row = ("score_cam", "grad-cam ScoreCAM", cam(pytorch_grad_cam.ScoreCAM))
    yield Comparison("vgg", *row, last, differs=softmax, **changed)
