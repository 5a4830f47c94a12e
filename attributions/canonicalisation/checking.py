"""What a network must keep to before anything is explained or trained: said by name where it does not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from peephole.attributions.canonical import Canonical
from peephole.attributions.classifier import Classifier
from peephole.attributions.layout import for_convolutions
from peephole.attributions.operations import Call, Operation, name_of
from peephole.attributions.site import Site
from peephole.errors import PeepholeError
from peephole.network_copy import Network, deep_copy

ROUNDED, EXACT = 2e-5, 1e-9
"""How far the graph's logits may lie from the network's, of the largest one, in single and in double precision."""


def check_repeated(model: nn.Module, pictures: Tensor, expected: Tensor) -> None:
    """A network must say the same of the same pictures, and take any number of them.

    Raises:
        PeepholeError: it draws random numbers, or a number of pictures stands in its code.
    """
    name = type(model).__name__
    exact = 1e-5 if expected.dtype in (torch.float32, torch.float64) else 5e-2
    size = float(expected[expected.isfinite()].abs().max()) if expected.isfinite().any() else 0.0
    if not torch.allclose(model(pictures.clone()), expected, rtol=0, atol=exact * size, equal_nan=True):
        raise PeepholeError(
            f"{name} gives other logits when it is asked again; expected a network that draws no random numbers in "
            "eval mode: draw them in training only (training=self.training)."
        )
    try:
        found = model(pictures[[0, 1, 1]])
        reason = f"{tuple(found.shape)} came back"
    except Exception as error:  # noqa: BLE001  the network's own code runs here, and may raise anything
        found, reason = None, " ".join(str(error).split())[:160]
    if found is None or len(found) != 3:
        raise PeepholeError(
            f"{name} takes 2 pictures at once and not 3 ({reason}); expected any number: a number of pictures stands "
            "in its code."
        )


def check_graph(canonical: Canonical, model: nn.Module, pictures: Tensor, expected: Tensor) -> None:
    """The graph must compute what the model computes: in double precision, where rounding makes the difference.

    Raises:
        PeepholeError: it does not; the first module that returns something else is named.
    """
    exact = EXACT if pictures.dtype == torch.float64 else ROUNDED if pictures.dtype == torch.float32 else None
    found = canonical(pictures)
    if not _same(found, expected, 0.0, exact) and not _same_in_double(canonical, model, pictures):
        raise PeepholeError(
            f"{type(model).__name__} gives other logits when it is taken apart"
            f"{_first_other(canonical, model, pictures)}; expected code that reads no tensor after changing a part of "
            "it in place, and neither autocast nor dropout in eval mode."
        )


def _first_other(canonical: Canonical, model: nn.Module, pictures: Tensor) -> str:
    """Where the two first differ, in words."""
    theirs: dict[str, Tensor] = {}

    def note(path: str) -> Any:
        def hook(module: nn.Module, given: Any, value: Any) -> None:
            if isinstance(value, Tensor):
                theirs.setdefault(path, value.detach().clone())

        return hook

    prefix = "network." if isinstance(model, Classifier) else ""
    handles = [
        module.register_forward_hook(note(path.removeprefix(prefix)))
        for path, module in model.named_modules()
        if not any(True for _ in module.children())
    ]
    try:
        model(pictures.clone())
    finally:
        for handle in handles:
            handle.remove()
    ours: dict[str, Tensor] = {}

    def noted(site: Site) -> Any:
        def call(*values: Any) -> Any:
            value = site.module(*values)
            if isinstance(value, Tensor):
                ours[site.name] = value
            return value

        return call

    canonical.run(pictures, call=noted)
    for path in theirs:
        if path in ours and ours[path].shape == theirs[path].shape and not _same(ours[path], theirs[path]):
            return f", first at what '{path}' returns, or at what is given to it"
    return ""


def _in_double(network: Network, pictures: Tensor) -> tuple[Network, Tensor] | None:
    """A copy in double precision, and its logits; None if its code fixes another type, or it is in double already."""
    if pictures.dtype == torch.float64:
        return None
    try:
        precise = deep_copy(network).double()
        return precise, precise(pictures.double())
    except (RuntimeError, TypeError, ValueError):
        return None


def _same_in_double(canonical: Canonical, model: nn.Module, pictures: Tensor) -> bool:
    """Whether the two give the same logits in double precision, as far as both can be had."""
    graph, own = _in_double(canonical, pictures), _in_double(model, pictures)
    return (
        graph is not None and own is not None and _same(graph[1], own[1], _rounding(graph[0], pictures.double()), EXACT)
    )


def _rounding(network: nn.Module, pictures: Tensor) -> float:
    """What may come of rounding: some times the largest change of a logit when the last bits of the pictures change."""
    eps = torch.finfo(pictures.dtype).eps
    before = network(pictures)
    return 30 * max(float((network(pictures * (1 + bits * eps)) - before).abs().max()) for bits in (-4, -2, 2, 4))


def _beside(pictures: Tensor) -> Tensor:
    """A picture, a dark one and a bright one: their statistics are others, and so are their extremes."""
    return torch.cat([pictures[:1], pictures[1:] * 0.1, 1 - pictures[:1] * 0.2])


def check_batch(canonical: Canonical, model: nn.Module, pictures: Tensor, expected: Tensor) -> None:
    """What a network says of a picture must not depend on the others: in double precision, where rounding decides.

    A deep network of random weights may make one of a tenth of a difference in the last bit, which is no dependence.

    Raises:
        PeepholeError: it does, in a batch of one or of three; the operation where it begins is named.
    """
    try:
        _check_batch(canonical, model, pictures, expected)
    except PeepholeError:
        precise = _in_double(canonical, pictures)
        if precise is None:
            raise
        wide = pictures.double()
        beside = _beside(wide)
        given = torch.cat([wide, beside]) if _takes(precise[0], beside) else wide
        _check_batch(precise[0], model, wide, precise[1], _rounding(precise[0], given))


def _check_batch(
    canonical: Canonical, model: nn.Module, pictures: Tensor, expected: Tensor, rounding: float = 0.0
) -> None:
    for site in canonical.sites:
        if site.operation is Operation.NORMALISATION and _is_of_batch(site.module):
            raise PeepholeError(_of_others(model, f"see {site.described}"))
    beside = _beside(pictures)
    together = canonical(beside) if _takes(canonical, beside) else None
    for row in range(len(beside)):
        if together is None:
            break
        if _takes(canonical, beside[row, None]) and not _same(
            canonical(beside[row, None]), together[row, None], rounding
        ):
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
        if not _same(found, expected[chosen], rounding):
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


def takes_channels_last(canonical: Canonical, pictures: Tensor, expected: Tensor) -> bool:
    """Whether the graph computes the same of pictures whose channels lie last in memory."""
    try:
        return _same(canonical(for_convolutions(pictures)), expected)
    except RuntimeError:
        return False


def _same(found: Tensor, expected: Tensor, rounding: float = 0.0, exact: float | None = None) -> bool:
    tolerance = exact or (1e-3 if expected.dtype in (torch.float32, torch.float64) else 5e-2)
    limit = tolerance * float(expected.abs().max()) + 1e-12 + rounding
    return found.shape == expected.shape and torch.allclose(found.to(expected), expected, rtol=0, atol=limit)
