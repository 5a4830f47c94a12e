"""The methods that P1 compares, and the layer at which it takes each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.claims.study import Values
from peephole.figures.style import COLOURS, GREY

LAYERED = (
    "input_x_gradient",
    "input_x_smoothgrad(samples=10)",
    "input_x_guided_backprop",
    "deeplift",
    "integrated_gradients(steps=10)",
)
"""Those of its figures 4 and 6, which it looks at layer by layer: all of them multiply by the activation."""
GRADIENT_LIKE = (
    "input_x_gradient",
    "smoothgrad(samples=10)",
    "guided_backprop",
    "deeplift",
    "integrated_gradients(steps=10)",
)
"""Those of its tables that distribute the decision to the input, as people use them."""
CAM_LIKE = ("grad_cam", "score_cam", "cameras", "fullgrad")
"""Those of its tables that are smooth and fill the object."""
GUIDED_CAM = "guided_grad_cam"
BASELINES = (*GRADIENT_LIKE, *CAM_LIKE, GUIDED_CAM)
"""All methods of its tables but its own."""
FUSED = ("tif(deeplift, 0.5)", "tif(deeplift, 0.7)", "tif(deeplift, 0.9)")
"""Its own, in the order of α."""
CONDITIONS = {"class_sensitivity": "class_pair", "fine_grained": "x", "completeness": "square"}
"""Its metrics, and the trigger of each."""
TITLES = {
    "class_sensitivity": "class sensitivity",
    "fine_grained": "fine-grained localization",
    "completeness": "completeness",
}
AT_TOP = ("grad_cam", "score_cam", "cameras")
"""Those that it takes at the last layer; all others have their map at the input, FullGrad and TIF by fusing layers."""


def at_own_layer(values: Values) -> NDArray[np.float64]:
    """The scores of each method at the layer where P1 takes it, float64 ``[M,P]``."""
    top = {_name(method) for method in AT_TOP}
    places = [-1 if _name(method) in top else 0 for method in values.methods]
    return np.stack([values.value[row, place] for row, place in enumerate(places)])


def _name(method: str) -> str:
    return method.partition("(")[0]


KINDS = (
    ("gradient-like", (*GRADIENT_LIKE, *LAYERED), COLOURS[0]),
    ("CAM-like", CAM_LIKE, COLOURS[1]),
    ("Guided Grad-CAM", (GUIDED_CAM, f"input_x_{GUIDED_CAM}"), COLOURS[4]),
    ("TIF", ("tif",), COLOURS[2]),
    ("other", (), GREY),
)
"""Kinds of methods, and their colours."""


def label(method: str) -> str:
    """What a method is called in a figure: options only where they tell methods apart."""
    name = _name(method)
    return method if name == "tif" else name


def colour(method: str) -> str:
    """The colour of a method's kind."""
    name = _name(method)
    return next((colour for _, methods, colour in KINDS if name in map(_name, methods)), GREY)


def key_to_colours(axes: Any, methods: Sequence[str], **where: Any) -> None:
    """A legend of the kinds that there are among methods."""
    from matplotlib.lines import Line2D

    found = {colour(method) for method in methods}
    handles = [
        Line2D([], [], linestyle="", marker="o", markersize=4, markeredgewidth=0, color=each, label=kind)
        for kind, _, each in KINDS
        if each in found
    ]
    axes.legend(handles=handles, handletextpad=0.2, columnspacing=1.0, borderaxespad=0.2, **where)
