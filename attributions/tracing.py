"""Following a picture through a network's code: every call site once, with a name of its own."""

from __future__ import annotations

import inspect
import itertools
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.fx import Graph, Node, Proxy, Tracer

from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.operations import Add, Call
from peephole.errors import PeepholeError

MODULE_ATTRIBUTES = frozenset(dir(nn.Module()))
"""What no submodule can be called: ``x.float()`` becomes the module ``float_1``."""


class CallTracer(Tracer):
    """Traces a network and learns a name for every call site and for every tensor that a module returns.

    A module's first call has the module's path, a further one that path with ``_1``, ``_2``, …; a call of a
    function or method has the path of the module whose code it stands in, and the function's name. Paths in a
    `Classifier` are relative to its ``network``.

    Attributes:
        sites: the call site's name, for every node that calls something.
        returned: the name of the outermost module that returns the node's value, if one does; `nn.Sequential` is
            a container and has no say.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sites: dict[Node, str] = {}
        self.returned: dict[Node, str] = {}
        self._scopes = [""]
        self._taken = {"input"}
        self._paths: frozenset[str] = frozenset()
        self._prefix = ""

    def follow(self, model: nn.Module) -> Graph:
        """The graph of ``model``; parameters of its ``forward`` after the first keep their defaults."""
        self._prefix = "network" if isinstance(model, Classifier) else ""
        self._paths = frozenset(self._relative(path) for path, _ in model.named_modules())
        return self.trace(model, concrete_args=_defaults(model))

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Modules of torch and ours are one call; every other module is followed."""
        return isinstance(m, Normalise | Add | Call) or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Follow the call and note which tensor it returns."""
        path = self._relative(self.path_of_module(m))
        leaf = self.is_leaf_module(m, path)
        name = self._name(path or "network", frozenset({path})) if path or leaf else ""
        self._scopes.append(path)
        try:
            result = super().call_module(m, forward, args, kwargs)
        finally:
            self._scopes.pop()
        if isinstance(result, Proxy) and name:
            node = result.node
            if leaf:
                self.sites[node] = name
            # A module that hands on what it was given (stochastic depth in eval mode) made nothing.
            made = all(value is not result for value in (*args, *kwargs.values()))
            if made and not isinstance(m, nn.Sequential):
                self.returned[node] = name
        return result

    def create_node(self, kind: str, target: Any, *args: Any, **kwargs: Any) -> Node:
        """Name the call sites of functions and methods."""
        node = super().create_node(kind, target, *args, **kwargs)
        if kind in ("call_function", "call_method"):
            label = target if isinstance(target, str) else getattr(target, "__name__", "call")
            scope = self._scopes[-1]
            self.sites[node] = self._name(f"{scope}.{label}" if scope else label)
        return node

    def _name(self, wanted: str, allowed: frozenset[str] = frozenset()) -> str:
        """The first of ``wanted``, ``wanted_1``, … that is neither taken nor the path of another module."""
        candidates = itertools.chain([wanted], (f"{wanted}_{index}" for index in itertools.count(1)))
        avoided = self._taken | (self._paths - allowed)
        name = next(
            candidate
            for candidate in candidates
            if candidate not in avoided and candidate.rpartition(".")[2] not in MODULE_ATTRIBUTES
        )
        self._taken.add(name)
        return name

    def _relative(self, path: str) -> str:
        if self._prefix and path == self._prefix:
            return ""
        return path.removeprefix(f"{self._prefix}.") if self._prefix else path


def _defaults(model: nn.Module) -> dict[str, Any]:
    """The default values of the parameters of ``forward`` that come after the picture."""
    _, *others = inspect.signature(model.forward).parameters.values() or [None]
    given = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = [parameter for parameter in others if parameter and parameter.kind not in given]
    missing = [parameter.name for parameter in named if parameter.default is inspect.Parameter.empty]
    if missing:
        raise PeepholeError(
            f"{type(model).__name__}.forward takes more than pictures ({', '.join(missing)}); a classifier takes "
            "pictures alone: wrap it, or give those parameters defaults."
        )
    return {parameter.name: parameter.default for parameter in named}


def trace(model: nn.Module) -> tuple[Graph, CallTracer]:
    """Trace ``model``. While it runs, torch.fx patches `nn.Module`: no other thread may call a network meanwhile.

    Raises:
        PeepholeError: its code cannot be traced; the message names the line that stopped the trace.
    """
    tracer = CallTracer()
    try:
        return tracer.follow(model), tracer
    except PeepholeError:
        raise
    except Exception as error:  # the network's own code runs here, and may raise anything
        reason = " ".join(str(error).split())
        raise PeepholeError(
            f"{type(model).__name__} cannot be traced: {_place(error)}: {type(error).__name__}: {reason.rstrip('.')}. "
            "Expected code whose way does not depend on the picture's values; rewrite that line, or mark the function "
            "with torch.fx.wrap."
        ) from error


def _place(error: Exception) -> str:
    """Where the network's own code was when the trace stopped: file, line and code."""
    library = (str(Path(torch.__file__).parent), __file__)
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(library)]
    frame = (theirs or list(frames))[-1]
    return f'{frame.filename}:{frame.lineno} "{frame.line}"'
