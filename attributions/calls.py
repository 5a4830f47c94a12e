"""Calls of functions and methods become modules: one module a call site, nothing in place."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.fx import Node

from peephole.attributions.functional import FUNCTIONS, METHODS, Built, NoModule
from peephole.attributions.operations import Call, Held, Method, Slot

OUT_OF_PLACE: dict[Any, Callable[..., Any]] = {
    operator.iadd: operator.add,
    operator.isub: operator.sub,
    operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
    operator.ipow: operator.pow,
}
"""Functions that change their first argument, and those that do not."""


def module_of(node: Node, root: nn.Module) -> Built:
    """The module that stands for ``node``, a call of a function or of a method, and the values that it takes.

    Known calls become the module of the same meaning (`FUNCTIONS`, `METHODS`), every other call a `Call`.
    """
    table: dict[Any, Callable[..., Built]] = METHODS if node.op == "call_method" else FUNCTIONS
    if node.target in table:
        try:
            return table[node.target](*node.args, **node.kwargs)
        except NoModule:
            pass
    return generic(_out_of_place(node), node, root)


def generic(function: Callable[..., Any], node: Node, root: nn.Module) -> Built:
    """A `Call` of ``function`` with the arguments of ``node``."""
    inputs: list[Node] = []
    held: dict[str, Tensor] = {}

    def template(argument: Any) -> Any:
        if isinstance(argument, Node) and argument.op == "get_attr":
            name = f"constant_{len(held)}"
            held[name] = operator.attrgetter(str(argument.target))(root).clone()
            return Held(name)
        if isinstance(argument, Node):
            if argument not in inputs:
                inputs.append(argument)
            return Slot(inputs.index(argument))
        if isinstance(argument, tuple):
            return tuple(template(item) for item in argument)
        if isinstance(argument, list):
            return [template(item) for item in argument]
        if isinstance(argument, dict):
            return {key: template(item) for key, item in argument.items()}
        if isinstance(argument, slice):
            return slice(template(argument.start), template(argument.stop), template(argument.step))
        return argument

    args = tuple(template(argument) for argument in node.args)
    kwargs = {name: False if name == "inplace" else template(argument) for name, argument in node.kwargs.items()}
    return Call(function, args, kwargs, held), tuple(inputs)


def _out_of_place(node: Node) -> Callable[..., Any]:
    """What the node calls, or the form of it that makes a new tensor if it changes one in place."""
    target = node.target
    if not isinstance(target, str):
        return OUT_OF_PLACE.get(target, target)
    changes = target.endswith("_") and not target.startswith("_") and hasattr(Tensor, target[:-1])
    return Method(target[:-1] if changes else target)
