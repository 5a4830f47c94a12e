"""Calls of functions, methods and modules become modules: one a call site, nothing in place."""

from __future__ import annotations

import copy
import inspect
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx import Node

from peephole.attributions.canonicalisation.builders import FUNCTIONS, METHODS
from peephole.attributions.canonicalisation.call_arguments import Built, NoModule
from peephole.attributions.in_place import PLAIN
from peephole.attributions.linear import TRANSPOSED
from peephole.attributions.operations import Call, Held, Method, Slot, is_hooked

POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)


def module_of(node: Node, root: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Built:
    """The module that stands for a call, and the nodes whose values it takes.

    Known calls become the module of the same meaning (`FUNCTIONS`, `METHODS`), a module called with pictures alone is
    itself, every other call a `Call`.

    Args:
        node: the call.
        root: the network.
        args: positional arguments, as `FUNCTIONS` has them: what does not depend on the picture is itself.
        kwargs: the same by name.
    """
    if node.op == "call_module":
        module = root.get_submodule(str(node.target))
        placed, named = _positional(module, args, kwargs)
        plain = not named and all(isinstance(argument, Node) for argument in placed)
        return (module, placed) if plain and (not kwargs or len(placed) == 1) else generic(module, args, kwargs)
    table: dict[Any, Callable[..., Built]] = METHODS if node.op == "call_method" else FUNCTIONS
    if node.target in table:
        try:
            return table[node.target](*args, **kwargs)
        except (NoModule, TypeError):
            pass
    return generic(_out_of_place(node, args), args, kwargs)


def generic(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Built:
    """A `Call` of ``function`` with these arguments."""
    inputs: list[Node] = []
    held: dict[str, Tensor] = {}

    def template(argument: Any) -> Any:
        if isinstance(argument, Tensor):
            name = f"constant_{len(held)}"
            held[name] = argument.detach().clone()
            return Held(name)
        if isinstance(argument, Node):
            if argument not in inputs:
                inputs.append(argument)
            return Slot(inputs.index(argument))
        if isinstance(argument, torch.Size):
            return tuple(argument)
        if isinstance(argument, tuple):
            return tuple(template(item) for item in argument)
        if isinstance(argument, list):
            return [template(item) for item in argument]
        if isinstance(argument, dict):
            return {key: template(item) for key, item in argument.items()}
        if isinstance(argument, slice):
            return slice(template(argument.start), template(argument.stop), template(argument.step))
        return argument

    positional = tuple(template(argument) for argument in args)
    named = {name: False if name == "inplace" else template(argument) for name, argument in kwargs.items()}
    return Call(function, positional, named, held), tuple(inputs)


def without_indices(module: nn.Module, node: Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> nn.Module | None:
    """The max-pool that gives the values alone, of a call that gives values and places; None if it is none."""
    if isinstance(module, POOLS):
        pool = copy.copy(module)
        pool.return_indices = False
        return pool
    name = getattr(node.target, "__name__", "").removesuffix("_with_indices")
    function = getattr(F, name, None) if node.op == "call_function" else None
    function = function if function in FUNCTIONS else node.target
    if function not in (F.max_pool2d, F.adaptive_max_pool2d):
        return None
    try:
        return FUNCTIONS[function](*args, **{**kwargs, "return_indices": False})[0]
    except (NoModule, TypeError):
        return None


def without_hooks(module: nn.Module, given: list[Any]) -> nn.Module:
    """The module without the hooks that stand at it, if they change nothing of what it returns; else itself.

    Hooks that note something, and hooks that compute a weight before each call, are such: the weight is then what it
    was at the last call.
    """
    if not is_hooked(module) or isinstance(module, Call) or not all(isinstance(each, Tensor) for each in given):
        return module
    plain = copy.copy(module)
    plain._forward_hooks, plain._forward_pre_hooks = OrderedDict(), OrderedDict()
    plain._parameters = dict(module._parameters)
    for name in ("weight", "bias"):
        computed = vars(plain).get(name)
        if isinstance(computed, Tensor):
            del plain.__dict__[name]
            plain._parameters[name] = nn.Parameter(computed.detach().clone(), requires_grad=False)
    draws = [given, [torch.randn_like(each) if each.is_floating_point() else each for each in given]]
    try:
        same = all(_same(module(*each), plain(*each)) for each in draws)
    except (RuntimeError, AttributeError, TypeError, ValueError):
        return module
    return plain if same else module


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, Tensor) and isinstance(other, Tensor) and torch.equal(one, other)


def with_known_size(module: nn.Module, given: list[Any], value: Any) -> nn.Module:
    """A transposed convolution that is told the size of its output, as one that has it in its padding; else itself."""
    called = module.function if isinstance(module, Call) else None
    if not isinstance(called, TRANSPOSED) or not isinstance(value, Tensor):
        return module
    sides: list[tuple[Any, ...]] = [called.stride, called.padding, called.dilation, called.kernel_size]  # type: ignore[list-item]
    rows = zip(given[0].shape[2:], value.shape[2:], *sides, strict=True)
    plain = copy.copy(called)
    plain.output_padding = tuple(  # type: ignore[assignment]
        after - ((before - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1)
        for before, after, stride, padding, dilation, kernel in rows
    )
    return plain if _same(plain(given[0]), value) else module


def _positional(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The arguments of a module's call, those given by name in their places as far as they reach without a gap."""
    names = list(inspect.signature(module.forward).parameters)[len(args) :]
    placed, named = list(args), dict(kwargs)
    for name in names:
        if name not in named:
            break
        placed.append(named.pop(name))
    return tuple(placed), named


def _out_of_place(node: Node, args: tuple[Any, ...]) -> Callable[..., Any]:
    """What the node calls, or the form of it that makes a new tensor if it changes one in place.

    ``view`` becomes ``reshape``: a network's code may count on one layout in memory, and ours is another.
    """
    target = node.target
    if not isinstance(target, str):
        return PLAIN.get(target, target)
    if target == "view" and not any(isinstance(argument, torch.dtype) for argument in args):
        return Method("reshape")
    changes = target.endswith("_") and not target.startswith("_") and hasattr(Tensor, target[:-1])
    return Method(target[:-1] if changes else target)
