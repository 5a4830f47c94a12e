"""Networks of the user's own: what ``pkg.mod:factory`` makes, checked before it is used."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from peephole.errors import PeepholeError, UnknownName
from peephole.models.modules import current_folder_first, module_file
from peephole.network_copy import deep_copy

CLASSES = ("classes", "num_classes")
"""What a factory may call its one argument."""


def call(module: str, attribute: str, classes: int, side: int) -> nn.Module:
    """The network that a factory makes, on the CPU, with its own copy of every weight.

    The factory is called without arguments, or with the number of classes as ``classes`` or ``num_classes`` if it
    takes one of these. The network is asked once about black pictures.

    Raises:
        PeepholeError: the module cannot be imported or lacks the attribute; that is no factory, or fails; what it
            makes is no network, or does not take ``[B,3,side,side]`` to ``[B,classes]``.
    """
    name = f"{module}:{attribute}"
    module_file(module)
    with current_folder_first():
        factory = _attribute(_imported(module, name), module, attribute)
        arguments = _arguments(factory, name, classes)
        try:
            network = factory(**arguments)
        except Exception as error:  # the user's own code runs here, and may raise anything
            raise PeepholeError(f"{name} failed ({_reason(error)}); mend it.") from error
    if not isinstance(network, nn.Module):
        raise PeepholeError(f"{name} makes a {type(network).__name__}; expected a network, a torch.nn.Module.")
    network = deep_copy(network).cpu()  # a factory may give the same network twice, and networks here are trained
    _check(network, name, classes, side)
    return network


def _imported(module: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except Exception as error:  # the user's own code runs here, and may raise anything
        raise PeepholeError(f"{name} cannot be imported ({_reason(error)}); mend {module}.") from error


def _attribute(imported: object, module: str, attribute: str) -> Callable[..., object]:
    name = f"{module}:{attribute}"
    try:
        found: object = reduce(getattr, attribute.split("."), imported)
    except AttributeError as error:
        there = vars(imported).items()
        own = [key for key, value in there if callable(value) and getattr(value, "__module__", "") == module]
        raise UnknownName(f"factory of {module}", attribute, own) from error
    if isinstance(found, nn.Module) or not callable(found):
        raise PeepholeError(
            f"{name} is a {type(found).__name__}; expected a factory, a function or class that is called to make the "
            "network."
        )
    return found


def _arguments(factory: Callable[..., object], name: str, classes: int) -> dict[str, int]:
    try:
        parameters = inspect.signature(factory).parameters
    except ValueError:  # some functions that are not written in Python do not say what they take
        return {}
    given = next((key for key in CLASSES if key in parameters), None)
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for key, each in parameters.items():
        if key != given and each.default is each.empty and each.kind not in optional:
            raise PeepholeError(f"{name} needs {key}; expected a factory without arguments, or with classes alone.")
    return {given: classes} if given else {}


def _check(network: nn.Module, name: str, classes: int, side: int) -> None:
    modes = {module: module.training for module in network.modules()}
    try:
        with torch.no_grad():
            logits = network.eval()(torch.zeros(2, 3, side, side))
    except Exception as error:  # the user's own code runs here, and may raise anything
        raise PeepholeError(f"{name} does not take pictures of 3×{side}×{side} ({_reason(error)}); mend it.") from error
    for module, training in modes.items():
        module.training = training
    found = f"a tensor {list(logits.shape)}" if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
    if not isinstance(logits, Tensor) or logits.shape != (2, classes):
        raise PeepholeError(
            f"{name} answers two pictures with {found}; expected logits [2, {classes}], one a class of the data set: "
            "take `classes` as an argument."
        )


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
