"""From what people write to an attribution: functions, classes, and classes of other libraries; torch only to call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from peephole.attributions.base import AtSomeLayers
from peephole.errors import PeepholeError

if TYPE_CHECKING:
    from torch import Tensor

    from peephole.attributions.canonical import Canonical

NETWORKS = ("model", "forward_func", "network", "net", "module")
"""What a constructor calls the network, where a class is made for one network."""
EXPECTED = "expected (model, x, target) or (model, x, target, layers)"

Explain = Callable[..., Any]


class NoMap(PeepholeError):
    """What a method returned is not what it was asked for."""


@dataclass(frozen=True, eq=False)
class Adapted:
    """A submitted method as an attribution.

    Attributes:
        explain: ``(model, x, target)`` or ``(model, x, target, layers)``.
        layered: whether it takes layers and gives a map for each; else it has one map, of the picture.
        stochastic: whether it says that it draws random numbers.
        at: what says at which layers it has maps, if something does.
    """

    explain: Explain
    layered: bool
    stochastic: bool
    at: Callable[[Canonical], Sequence[str]] | None = None

    title: ClassVar[str] = "A submitted method"
    source: ClassVar[str] = "its authors"

    def layers(self, model: Canonical) -> Sequence[str]:
        """The layers that it has maps at."""
        if self.at is not None:
            return self.at(model)
        return model.layers if self.layered else model.layers[:1]

    def attribute(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """See `peephole.attributions.base.Attribution`."""
        if self.layered:
            found = self.explain(model, x, target, list(layers))
            if not isinstance(found, Mapping):
                raise NoMap(
                    f"it returned {_called(found)}; expected a dict with a map for each of the layers, as it takes "
                    "layers."
                )
            return {layer: _tensor(found[layer]) if layer in found else _missing(layer, found) for layer in layers}
        return {layers[0]: _tensor(self.explain(model, x, target))}


def adapt(thing: object, name: str, options: Mapping[str, Any]) -> Adapted:
    """See what it is and how it wants to be called.

    Args:
        thing: a function, a class or an instance.
        name: what it is called in messages.
        options: for the function or the constructor, by name.

    Raises:
        PeepholeError: it can be called with neither three nor four values, or does not take the options.
    """
    said = thing.func if isinstance(thing, partial) else thing
    stochastic = bool(getattr(said, "stochastic", False))
    if inspect.isclass(thing):
        if _of_one_network(thing, options):
            return Adapted(_made_for_each(thing, options), layered=False, stochastic=stochastic)
        thing, options = _constructed(thing, name, options), {}
    explain = getattr(thing, "attribute", thing)
    if not callable(explain):
        raise PeepholeError(f"{name} is {_called(thing)}; {EXPECTED}, or a class with attribute.")
    if options:
        _check_options(explain, name, options)
        explain = partial(explain, **options)
    at = thing.layers if isinstance(thing, AtSomeLayers) else None
    return Adapted(explain, _takes_layers(explain, name), stochastic, at)


def _takes_layers(explain: Explain, name: str) -> bool:
    try:
        signature = inspect.signature(explain)
    except (TypeError, ValueError):  # compiled code that does not say what it takes
        return False
    for layered in (True, False):
        try:
            signature.bind(*range(4 if layered else 3))
        except TypeError:
            continue
        if not layered or "layers" in signature.parameters or not _binds(signature, 3):
            return layered
    taken = ", ".join(signature.parameters) or "nothing"
    raise PeepholeError(f"{name} takes ({taken}); {EXPECTED}, in this order.")


def _binds(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _of_one_network(thing: type, options: Mapping[str, Any]) -> bool:
    """Whether a class is constructed for one network, as Captum's are."""
    if not hasattr(thing, "attribute"):
        return False
    first = next(iter(_parameters(thing)), None)
    return first in NETWORKS and first not in options


def _made_for_each(thing: type, options: Mapping[str, Any]) -> Explain:
    constructor = {name: value for name, value in options.items() if name in _parameters(thing)}
    call = {name: value for name, value in options.items() if name not in constructor}
    unknown = [name for name in call if name not in inspect.signature(thing.attribute).parameters]  # type: ignore[attr-defined]
    if unknown:
        raise PeepholeError(f"{thing.__name__} has no option '{unknown[0]}'; look at its constructor and attribute.")

    def explain(model: Canonical, x: Tensor, target: Tensor) -> Any:
        found = thing(model, **constructor).attribute(x.requires_grad_(), target=target, **call)
        x.requires_grad_(False)
        return found[0] if isinstance(found, tuple) else found

    return explain


def _constructed(thing: type, name: str, options: Mapping[str, Any]) -> object:
    try:
        return thing(**options)
    except TypeError as error:
        raise PeepholeError(f"{name} cannot be made with these options ({error}); it takes {_taken(thing)}.") from error


def _check_options(explain: Explain, name: str, options: Mapping[str, Any]) -> None:
    parameters = inspect.signature(explain).parameters
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return
    unknown = [option for option in options if option not in parameters]
    if unknown:
        own = ", ".join(list(parameters)[3:]) or "none"
        raise PeepholeError(f"{name} has no option '{unknown[0]}'; it has: {own}.")


def _parameters(thing: type) -> list[str]:
    try:
        return list(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return []


def _taken(thing: type) -> str:
    return ", ".join(_parameters(thing)) or "no options"


def _missing(layer: str, found: Mapping[str, Any]) -> Tensor:
    names = ", ".join(map(str, found)) or "none"
    raise NoMap(f"it returned no map for '{layer}'; expected one for each layer it was asked for, got: {names}.")


def _tensor(values: Any) -> Tensor:
    """A map as a tensor ``[B,c,h,w]``; one without channels gets one."""
    import numpy as np
    import torch

    if isinstance(values, np.ndarray):
        values = torch.from_numpy(values)
    if not isinstance(values, torch.Tensor):
        raise NoMap(f"it returned {_called(values)}; expected a map: a float tensor [B,c,h,w] or [B,h,w].")
    if values.is_complex():
        raise NoMap(f"it returned a map of {values.dtype}; expected real numbers.")
    return values.unsqueeze(1) if values.ndim == 3 else values


def _called(thing: object) -> str:
    return "nothing (None)" if thing is None else f"a {type(thing).__name__}"
