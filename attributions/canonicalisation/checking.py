"""What a network must keep to before anything is explained or trained: said by name where it does not."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from peephole.attributions.canonical import Canonical
from peephole.attributions.layout import for_convolutions
from peephole.attributions.operations import Call, Operation, name_of
from peephole.attributions.site import Site
from peephole.errors import PeepholeError


def check_logits(model: nn.Module, logits: Tensor, sites: Sequence[Site]) -> None:
    """Refuse outputs that are no logits.

    Raises:
        PeepholeError: they are NaN or infinite, or probabilities or their logarithms.
    """
    name = type(model).__name__
    if not logits.isfinite().all():
        raise PeepholeError(
            f"{name} gives NaN or infinite logits for random pictures; expected finite ones: look at its weights and "
            "running statistics."
        )
    ones = torch.ones(len(logits), dtype=torch.float64, device=logits.device)
    wide = logits.double()
    several = logits.shape[1] > 1
    probabilities = several and bool((wide >= 0).all()) and torch.allclose(wide.sum(1), ones, rtol=0, atol=1e-3)
    logarithms = several and bool((wide <= 0).all()) and torch.allclose(wide.exp().sum(1), ones, rtol=0, atol=1e-3)
    if probabilities or logarithms:
        what = "probabilities" if probabilities else "logarithms of probabilities"
        raise PeepholeError(
            f"{name} returns {what} (the last operation is '{sites[-1].name}'); expected logits: leave the softmax out "
            "or return what goes into it."
        )
    if isinstance(sites[-1].module, nn.Sigmoid):
        raise PeepholeError(f"{name} ends in a sigmoid ('{sites[-1].name}'); expected logits: leave the sigmoid out.")


def check_graph(canonical: Canonical, model: nn.Module, pictures: Tensor, expected: Tensor) -> None:
    """The graph must compute what the model computes.

    Raises:
        PeepholeError: it does not.
    """
    if not _same(canonical(pictures), expected):
        raise PeepholeError(
            f"{type(model).__name__} gives other logits when it is taken apart; expected code that draws no random "
            "numbers in eval mode and reads no tensor after changing it in place."
        )


def check_batch(canonical: Canonical, model: nn.Module, pictures: Tensor, expected: Tensor) -> None:
    """What a network says of a picture must not depend on the others.

    Raises:
        PeepholeError: it does, in a batch of one or of three; the operation where it begins is named.
    """
    for site in canonical.sites:
        if site.operation is Operation.NORMALISATION and _is_of_batch(site.module):
            raise PeepholeError(_of_others(model, f"see {site.described}"))
    # A dark one, a bright one and a usual one: their statistics are others, and so are their extremes.
    beside = torch.cat([pictures[:1], pictures[1:] * 0.1, 1 - pictures[:1] * 0.2])
    together = canonical(beside) if _takes(canonical, beside) else None
    for row in range(len(beside)):
        if together is None:
            break
        if _takes(canonical, beside[row, None]) and not _same(canonical(beside[row, None]), together[row, None]):
            raise PeepholeError(_of_others(model, _culprit(canonical, beside, [row])))
    for chosen in ([0], [1], [1, 0, 0]):
        try:
            found = canonical(pictures[chosen])
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            reason = " ".join(str(error).split())[:160]
            raise PeepholeError(
                f"{type(model).__name__} takes 2 pictures at once and not {len(chosen)} ({reason}); expected any "
                "number."
            ) from error
        if not _same(found, expected[chosen]):
            raise PeepholeError(_of_others(model, _culprit(canonical, pictures, chosen)))


def _takes(canonical: Canonical, pictures: Tensor) -> bool:
    """Whether so many pictures can be given at once; that any number can is tried apart."""
    try:
        canonical(pictures)
    except (RuntimeError, ValueError, IndexError, TypeError):
        return False
    return True


def _is_of_batch(module: nn.Module) -> bool:
    """Whether a module is batch normalisation, which without running statistics takes those of the batch."""
    called = module.function if isinstance(module, Call) else module
    return isinstance(called, nn.modules.batchnorm._BatchNorm) or name_of(called) == "batch_norm"


def _of_others(model: nn.Module, where: str) -> str:
    return (
        f"{type(model).__name__} decides on a picture by the others of its batch: {where}. Expected each picture by "
        "itself: use running statistics (model.eval() with track_running_stats=True), or another normalisation."
    )


def _culprit(canonical: Canonical, pictures: Tensor, chosen: list[int]) -> str:
    """The first call site whose output for a picture changes with the batch."""
    outputs: dict[int, list[Tensor]] = {}

    def noted(site: Site) -> object:
        def call(*values: object) -> object:
            value = site.module(*values)
            if isinstance(value, Tensor) and value.is_floating_point():
                outputs.setdefault(site.output, []).append(value)
            return value

        return call

    canonical.run(pictures, call=noted)  # type: ignore[arg-type]
    canonical.run(pictures[chosen], call=noted)  # type: ignore[arg-type]
    for site in canonical.sites:
        pair = outputs.get(site.output, [])
        if len(pair) < 2 or not pair[0].ndim:
            continue
        by_row = pair[0].shape[0] == len(pictures) and pair[1].shape[0] == len(chosen)
        if by_row and not _same(pair[1], pair[0][chosen]):
            return f"see {site.described}"
    return "no single operation could be named"


def check_gradient(canonical: Canonical, model: nn.Module, pictures: Tensor) -> None:
    """A gradient must reach the picture.

    Raises:
        PeepholeError: none does; the first operation that lets none through is named.
    """
    broken: list[Site] = []

    def noted(site: Site) -> object:
        def call(*values: object) -> object:
            value = site.module(*values)
            arrived = any(isinstance(each, Tensor) and each.requires_grad for each in values)
            left = isinstance(value, Tensor) and not value.requires_grad
            if arrived and left and site.operation is not Operation.SHAPE:
                broken.append(site)
            return value

        return call

    with torch.enable_grad():
        logits = canonical.run(pictures.clone().requires_grad_(), call=noted)[0]  # type: ignore[arg-type]
    if not logits.requires_grad:
        where = f": {broken[0].described} lets none through" if broken else ""
        raise PeepholeError(
            f"no gradient goes from the logits of {type(model).__name__} to its picture{where}; expected a network "
            "that can be differentiated."
        )


def takes_channels_last(canonical: Canonical, pictures: Tensor, expected: Tensor) -> bool:
    """Whether the graph computes the same of pictures whose channels lie last in memory."""
    try:
        return _same(canonical(for_convolutions(pictures)), expected)
    except RuntimeError:
        return False


def _same(found: Tensor, expected: Tensor) -> bool:
    tolerance = 1e-3 if expected.dtype in (torch.float32, torch.float64) else 5e-2
    limit = tolerance * float(expected.abs().max()) + 1e-12
    return found.shape == expected.shape and torch.allclose(found, expected, rtol=0, atol=limit)
