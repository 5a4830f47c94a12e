"""Whether what a network returns are logits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from peephole.attributions.operations import Operation, name_of
from peephole.attributions.site import Site
from peephole.errors import PeepholeError


def check_logits(model: nn.Module, logits: Tensor, sites: Sequence[Site]) -> None:
    """Refuse outputs that are no logits.

    Raises:
        PeepholeError: they are NaN or infinite, or probabilities, their logarithms, or multiples of them.
    """
    name = type(model).__name__
    if not logits.isfinite().all():
        raise PeepholeError(
            f"{name} gives NaN or infinite logits for random pictures; expected finite ones: look at its weights and "
            "running statistics."
        )
    last = sites[-1].name
    wide, sums = logits.double(), logits.double().sum(1)
    several = logits.shape[1] > 1
    # Probabilities, or a multiple of them: nowhere negative, with the same sum whatever the picture.
    whole = bool((wide >= 0).all()) and float(sums[0]) > 0 and torch.allclose(sums, sums[:1], rtol=1e-4, atol=0)
    alike = torch.allclose(wide, wide[:1], rtol=1e-6, atol=0)
    logarithms = bool((wide <= 0).all()) and torch.allclose(wide.exp().sum(1), sums * 0 + 1, rtol=0, atol=1e-3)
    softmax = _softmax_below(sites)
    if several and ((whole and (softmax or not alike)) or logarithms or softmax):
        what = "logarithms of probabilities" if logarithms else "probabilities"
        raise PeepholeError(
            f"{name} returns {what} (the last operation is '{softmax or last}'); expected logits: leave the softmax "
            "out or return what goes into it."
        )
    sigmoid = next((site.name for site in _of_numbers_at_the_end(sites) if _is_sigmoid(site, logits)), None)
    if sigmoid is not None:
        raise PeepholeError(f"{name} ends in a sigmoid ('{sigmoid}'); expected logits: leave the sigmoid out.")


def _softmax_below(sites: Sequence[Site]) -> str | None:
    """The softmax of which the output is a function number by number, by name; None if there is none."""
    names = ("softmax", "logsoftmax", "softmin")
    named = (site for site in _of_numbers_at_the_end(sites) if name_of(site.module).lower().replace("_", "") in names)
    return next((site.name for site in named), None)


def _of_numbers_at_the_end(sites: Sequence[Site]) -> Iterator[Site]:
    """The sites from the last down to the first that is no function of one number."""
    made_by = {site.output: site for site in sites}
    value = sites[-1].output
    while value in made_by:
        site = made_by[value]
        yield site
        of_numbers = site.operation in (Operation.SCALE, Operation.RELU, Operation.ACTIVATION, Operation.REARRANGEMENT)
        if not of_numbers or len(site.inputs) != 1 or site.shape != sites[-1].shape:
            return
        value = site.inputs[0]


def _is_sigmoid(site: Site, logits: Tensor) -> bool:
    """Whether an operation rises from 0 to 1, or is the logarithm of what does."""
    if site.operation is not Operation.ACTIVATION or len(site.inputs) != 1 or site.shape != logits.shape:
        return False
    low, middle, high = (float(site.module(torch.full_like(logits, x)).flatten()[0]) for x in (-30.0, 0.0, 30.0))
    rises = abs(high - 1) < 0.01 and abs(low) < 0.01 and 0.2 < middle < 0.8
    return rises or (abs(high) < 0.01 and low < -20 and middle < 0)
