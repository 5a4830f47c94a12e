"""What a network must keep to before anything is explained or trained: said by name where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from peephole.attributions.canonical import Canonical
from peephole.attributions.classifier import Classifier
from peephole.attributions.layout import for_convolutions
from peephole.attributions.operations import Call, Operation, name_of
from peephole.attributions.site import Site
from peephole.errors import PeepholeError


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
            f"{name} gives other logits when it is asked again; expected a network that draws no random numbers in eval "
            "mode: draw them in training only (training=self.training)."
        )
    try:
        found = model(pictures[[0, 1, 1]])
        reason = f"{tuple(found.shape)} came back"
    except Exception as error:  # noqa: BLE001  the network's own code runs here, and may raise anything
        found, reason = None, " ".join(str(error).split())[:160]
    if found is None or len(found) != 3:
        raise PeepholeError(
            f"{name} takes 2 pictures at once and not 3 ({reason}); expected any number: a number of pictures stands in "
            "its code."
        )


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
    return abs(high - 1) < 0.01 and abs(low) < 0.01 and 0.2 < middle < 0.8 or abs(high) < 0.01 and low < -20 and middle < 0


def check_graph(canonical: Canonical, model: nn.Module, pictures: Tensor, expected: Tensor) -> None:
    """The graph must compute what the model computes.

    Raises:
        PeepholeError: it does not; the first module that returns something else is named.
    """
    if not _same(canonical(pictures), expected):
        raise PeepholeError(
            f"{type(model).__name__} gives other logits when it is taken apart{_first_other(canonical, model, pictures)}; "
            "expected code that reads no tensor after changing a part of it in place, and neither autocast nor dropout "
            "in eval mode."
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
    """A gradient must reach the picture, and be the one that the model itself has.

    Raises:
        PeepholeError: none does, or it is zero everywhere though the logits depend on the picture: the first operation
            that lets none through is named. Or the model has another, since part of it runs without gradient.
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
        logits = canonical.run(leaf, call=noted)[0]
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
        if not logits.requires_grad:
            if depends and not value.requires_grad:
                return f": {site.described} lets none through"
        elif depends and _any_gradient(logits, weights, value):
            if not any(_any_gradient(logits, weights, each) for each in depends):
                return f": {site.described} lets none through"
    return ""


def _any_gradient(logits: Tensor, weights: Tensor, value: Tensor) -> bool:
    if not value.requires_grad:
        return False
    found = torch.autograd.grad((logits * weights).sum(), value, retain_graph=True, allow_unused=True)[0]
    return found is not None and bool(found.any())


def takes_channels_last(canonical: Canonical, pictures: Tensor, expected: Tensor) -> bool:
    """Whether the graph computes the same of pictures whose channels lie last in memory."""
    try:
        return _same(canonical(for_convolutions(pictures)), expected)
    except RuntimeError:
        return False


def _same(found: Tensor, expected: Tensor) -> bool:
    tolerance = 1e-3 if expected.dtype in (torch.float32, torch.float64) else 5e-2
    limit = tolerance * float(expected.abs().max()) + 1e-12
    return found.shape == expected.shape and torch.allclose(found.to(expected), expected, rtol=0, atol=limit)
