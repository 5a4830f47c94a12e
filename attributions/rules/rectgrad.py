"""Rectified gradient (Kim et al. 2019; P2 eq. 7)."""

from __future__ import annotations

from dataclasses import dataclass as plain_dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.domains import Undefined
from peephole.attributions.operations import Operation
from peephole.attributions.propagation import Propagation
from peephole.attributions.rectifiers import Activations, at_activations, domain
from peephole.attributions.site import Site
from peephole.attributions.tape import Step
from peephole.attributions.way import Handlers
from peephole.attributions.windows import has_windows, window_sums


@plain_dataclass(frozen=True)
class Thresholded:
    """At a ReLU with output ``a``: ``r · 1[a·r > τ] · 1[a > 0]``, ``τ`` a percentile of the picture's own ``a·r``.

    At another activation, and at a ReLU with a ceiling, its derivative takes the place of ``1[a > 0]``.
    """

    percentile: float

    def __call__(self, step: Step, signal: Tensor) -> tuple[Tensor | None, ...]:
        """See `peephole.attributions.tape.Handler`."""
        output = step.output.detach()
        worth = output * signal
        threshold = percentile(worth, self.percentile)
        kept = worth > threshold.reshape(-1, *[1] * (worth.ndim - 1))
        if isinstance(step.site.module, nn.ReLU):
            return (signal * (kept & (output > 0)),)
        return step.pull(signal * kept)


def percentile(values: Tensor, percent: float) -> Tensor:
    """The value at a percentile of each picture's, ``[B,…]`` to ``[B]``: that of the nearest rank, as in TensorFlow."""
    # The order of a picture's values does not matter: taken as they lie in memory, they need not be copied.
    rows = (values.permute(0, 2, 3, 1) if values.ndim == 4 else values).flatten(1)
    rank = round(percent / 100 * (rows.shape[1] - 1))
    if rows.device.type == "cpu" and rows.dtype is not torch.bfloat16:  # NumPy is three times as fast, where it can
        return torch.from_numpy(np.partition(rows.numpy(), rank, axis=1)[:, rank].copy())
    return rows.kthvalue(1 + rank, dim=1).values


def unpadded(step: Step, signal: Tensor) -> tuple[Tensor | None, ...]:
    """At a convolution that keeps the picture's size: nothing goes through the outermost places of its output."""
    module = step.site.module
    if not isinstance(module, nn.Conv2d):
        return step.pull(signal)
    if max(module.kernel_size) > 1 and step.input.shape[2:] == signal.shape[2:]:
        inner = torch.zeros_like(signal)
        inner[..., 1:-1, 1:-1] = signal[..., 1:-1, 1:-1]
        signal = inner
    return step.pull(signal)


def redistributed(step: Step, signal: Tensor) -> tuple[Tensor]:
    """At a maximum: each input of a window gets its share of the window's sum, ``a_i / Σ_k a_k · R_j``.

    The signal is a coefficient: ``R_j = y_j r_j`` and ``R_i = a_i r_i``.
    """
    x = step.input
    with torch.enable_grad():
        x = x.requires_grad_()
        total = window_sums(step.site.module, x, step.output.shape[2:])
    share = torch.where(total > 0, step.output.detach() * signal / total.detach().clamp(min=1e-30), 0)
    return (torch.autograd.grad(total, x, share)[0],)


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class RectGrad(Propagation):
    """Only the signal that matters goes through a ReLU: ``r_{l−1} = W_l M_l (r_l ⊙ 1[A_l ⊙ r_l > τ])``, and the map is
    ``σ(A ⊙ r)``: ``[B,c,h,w]``, channels kept, nowhere negative.

    ``τ`` is a percentile over all units of the layer, of each picture by itself, and the comparison is strict. P2 takes
    90; the official code's examples 98. The mask ``M_l`` stands in P2's proposition 2, not in the official code: there
    a unit that is off lets signal through when τ is negative.

    Attributes:
        percentile: τ in percent.
        bottom: the last step of P2's table I, ``σ(A ⊙ r)``. Without it the map is what arrived, signed.
        padding: the official code's padding trick: no signal through the outermost places of a convolution that keeps
            the picture's size.
        proportional: the official code's proportional redistribution rule at max-pools and other maxima, instead of the
            winner's share.
        activation: ``"any"`` takes every activation for a ReLU; without it networks that have others are refused.
    """

    title: ClassVar[str] = "RectGrad"
    source: ClassVar[str] = (
        "Kim, Seo, Jeon, Koo, Choe, Jeon. Why are saliency maps noisy? Cause of and solution to noisy saliency maps. "
        "ICCV workshop 2019; 90 % as in Zheng, Sang, Xu (P2), section III-A."
    )

    percentile: Annotated[float, Field(ge=0, lt=100)] = 90.0
    bottom: bool = True
    padding: bool = False
    proportional: bool = False
    activation: Activations = "relu"

    def compares_pictures_numbers(self) -> bool:
        """A percentile is one of a picture's."""
        return True

    def handlers(self) -> Handlers:
        """`Thresholded` at every ReLU, and what the options ask for."""
        found = dict(at_activations(Thresholded(self.percentile), self.activation))
        if self.padding:
            found[Operation.LINEAR] = unpadded
        if self.proportional:
            found[Operation.MAXIMUM] = redistributed
        return found

    def undefined(self) -> Undefined:
        """Activations that are no ReLU, unless they count."""
        return domain(self.activation)

    def undefined_at(self, site: Site) -> str | None:
        """With `proportional`, maxima whose windows are not known."""
        if self.proportional and site.operation is Operation.MAXIMUM and not has_windows(site.module):
            return "proportional=true shares among the inputs of a window, and its windows are not known"
        return None

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """``σ(A ⊙ r)``, or what arrived."""
        return (activation * signal).relu() if self.bottom else signal
