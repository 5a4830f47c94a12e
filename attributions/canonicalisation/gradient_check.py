"""Whether a gradient reaches the picture, and is the one that the network itself has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from peephole.attributions.canonical import Canonical
from peephole.attributions.operations import Operation
from peephole.attributions.site import Site
from peephole.errors import PeepholeError


def check_gradient(canonical: Canonical, model: nn.Module, pictures: Tensor) -> None:
    """A gradient must reach the picture, and be the one that the model itself has.

    Raises:
        PeepholeError: none can be asked for; or none comes, or it is zero everywhere though the logits depend on the
            picture: the first operation that lets none through is named; or the model has another, since part of it
            runs without gradient.
    """
    values: list[tuple[Site, Tensor, list[Tensor]]] = []

    def noted(site: Site) -> Any:
        def call(*given: Any) -> Any:
            value = site.module(*given)
            if isinstance(value, Tensor) and site.operation is not Operation.SHAPE:
                values.append((site, value, [each for each in given if isinstance(each, Tensor)]))
            return value

        return call

    name = type(model).__name__
    with torch.enable_grad():
        leaf = pictures.clone().requires_grad_()
        try:
            logits = canonical.run(leaf, call=noted)[0]
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:160]
            raise PeepholeError(f"{name} cannot be differentiated ({reason}); expected code that can.") from error
        weights = torch.randn(logits.shape, generator=torch.Generator().manual_seed(0)).to(logits)
        depends = not torch.equal(logits[0], logits[1])
        gradient = None
        if logits.requires_grad:
            gradient = torch.autograd.grad((logits * weights).sum(), leaf, retain_graph=True, allow_unused=True)[0]
        if gradient is None or (depends and not gradient.any()):
            where = _where_it_ends(logits, weights, values)
            raise PeepholeError(
                f"no gradient goes from the logits of {name} to its picture{where}; expected a network that can be "
                "differentiated."
            )
    theirs = _gradient_of(model, pictures, weights)
    if theirs is None:
        return
    rough = 1e-2 if gradient.dtype in (torch.float32, torch.float64) else 0.3
    if float((theirs - gradient).double().norm()) > rough * float(gradient.double().norm()):
        raise PeepholeError(
            f"the gradient of {name} is another one than that of its operations: part of its code runs without "
            "gradient (torch.no_grad, torch.inference_mode, .data) or has a gradient of its own "
            "(torch.autograd.Function). Expected code that is differentiated as it stands; say .detach() where "
            "a value is meant to have none."
        )


def _gradient_of(model: nn.Module, pictures: Tensor, weights: Tensor) -> Tensor | None:
    """The gradient that the model itself has at the pictures; None if it cannot be asked for one."""
    with torch.enable_grad():
        leaf = pictures.clone().requires_grad_()
        try:
            logits = model(leaf * 1)
            if not logits.requires_grad:
                return torch.zeros_like(pictures)
            found = torch.autograd.grad((logits * weights).sum(), leaf, allow_unused=True)[0]
        except RuntimeError:  # code that changes tensors in place can be run, and not always be differentiated
            return None
    return torch.zeros_like(pictures) if found is None else found


def _where_it_ends(logits: Tensor, weights: Tensor, values: Sequence[tuple[Site, Tensor, list[Tensor]]]) -> str:
    """The operation nearest to the logits that is given a gradient and hands none on, in words."""
    for site, value, given in reversed(values):
        depends = [each for each in given if each.requires_grad]
        given_one = _any_gradient(logits, weights, value) if logits.requires_grad else not value.requires_grad
        if depends and given_one and not any(_any_gradient(logits, weights, each) for each in depends):
            return f": {site.described} lets none through"
    return ""


def _any_gradient(logits: Tensor, weights: Tensor, value: Tensor) -> bool:
    if not (value.requires_grad and logits.requires_grad):
        return False
    found = torch.autograd.grad((logits * weights).sum(), value, retain_graph=True, allow_unused=True)[0]
    return found is not None and bool(found.any())
