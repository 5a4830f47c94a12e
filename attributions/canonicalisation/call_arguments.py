"""The arguments of a call in a traced network, checked before a module is built of them."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.fx import Node

Built = tuple[nn.Module, tuple[Node, ...]]
"""A module, and the nodes whose values it is called with."""


class NoModule(Exception):
    """The call has arguments that the module it would become has not."""


def values(*arguments: Any) -> tuple[Node, ...]:
    """The arguments, if all of them depend on the picture."""
    if not all(isinstance(argument, Node) for argument in arguments):
        raise NoModule
    return arguments


def settings(*arguments: Any) -> None:
    """Refuse settings that are only known when the network runs."""
    for argument in arguments:
        if isinstance(argument, tuple | list):
            settings(*argument)
        elif isinstance(argument, Node):
            raise NoModule
