"""Following a picture through a network's code: every call site once, with a name of its own."""

from __future__ import annotations

import inspect
import itertools
import operator
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Graph, Node, Proxy, Tracer
from torch.fx.node import map_arg

from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.decompositions import FUNCTIONS, METHODS
from peephole.attributions.in_place import PLAIN, changed_in_place
from peephole.attributions.operations import Add, Call, WeightedSum
from peephole.errors import PeepholeError

MODULE_ATTRIBUTES = frozenset(dir(nn.Module()))
"""What no submodule can be called: ``x.float()`` becomes the module ``float_1``."""

ONE_AT_A_TIME = threading.RLock()
"""torch.fx patches `nn.Module` while it follows a network: two traces at once would undo each other's patches."""

SHAPE_ATTRIBUTES = frozenset({"shape", "ndim", "dtype", "device", "is_cuda", "layout", "itemsize", "nbytes"})
SHAPE_METHODS = frozenset({"size", "dim", "ndimension", "numel", "nelement", "is_floating_point", "is_complex", "type"})
KINDS = frozenset(
    {"dtype", "device", "is_cuda", "layout", "ndim", "dim", "ndimension", "is_floating_point", "is_complex"}
)
"""Those of them whose answer is the same for pictures of every number and size."""
CONSTANTS = frozenset({"dtype", "device", "is_cuda", "layout", "ndim"})
"""Such attributes: a network's code is given their values at once."""
SHAPE_FUNCTIONS = frozenset({len, torch.numel, torch.is_tensor, torch.is_floating_point, torch.is_complex})
"""What asks a tensor for its shape and kind, and never for its values."""


class ShapeProxy(Proxy):
    """What stands for a value while a network is traced; numbers that hang on shapes alone have their value at once."""

    def __int__(self) -> int:
        return int(self._known())

    def __float__(self) -> float:
        return float(self._known())

    def __index__(self) -> int:
        return operator.index(self._known())

    def __len__(self) -> int:
        if isinstance(self.tracer, CallTracer) and self.tracer.has_pictures:
            value = self.tracer.known(self.node, decides=False)
            if isinstance(value, tuple | list):
                self.tracer.decided_by_shape = True
                return len(value)
        return super().__len__()

    def __getattr__(self, name: str) -> Any:
        if name in CONSTANTS and isinstance(self.tracer, CallTracer) and self.tracer.has_pictures:
            return getattr(self.tracer.known(self.node, decides=False), name)
        return ShapeAttribute(self, name)

    def __iadd__(self, other: Any) -> Any:
        return self._in_place(operator.iadd, other)

    def __isub__(self, other: Any) -> Any:
        return self._in_place(operator.isub, other)

    def __imul__(self, other: Any) -> Any:
        return self._in_place(operator.imul, other)

    def __itruediv__(self, other: Any) -> Any:
        return self._in_place(operator.itruediv, other)

    def __ifloordiv__(self, other: Any) -> Any:
        return self._in_place(operator.ifloordiv, other)

    def __imod__(self, other: Any) -> Any:
        return self._in_place(operator.imod, other)

    def __ipow__(self, other: Any) -> Any:
        return self._in_place(operator.ipow, other)

    def _in_place(self, function: Callable[..., Any], other: Any) -> Any:
        """``x += y``, which whoever holds ``x`` sees."""
        return self.tracer.create_proxy("call_function", function, (self, other), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(f"{key!r} of a tensor is changed in place; write it with torch.where, torch.cat or F.pad")

    def _known(self) -> Any:
        if isinstance(self.tracer, CallTracer) and self.tracer.is_of_shapes(self.node):
            return self.tracer.known(self.node)
        raise TypeError("the network's code needs the value of a tensor while it is traced")


class ShapeAttribute(ShapeProxy):
    """An attribute of a value: a node of its own once something asks for it, unless it is called as a method."""

    def __init__(self, root: Proxy, name: str) -> None:
        self.root, self.attribute, self.tracer = root, name, root.tracer
        self._node: Node | None = None

    @property
    def node(self) -> Node:  # type: ignore[override]
        """The call of ``getattr``."""
        if self._node is None:
            self._node = self.tracer.create_proxy("call_function", getattr, (self.root, self.attribute), {}).node
        return self._node

    def __call__(self, *args: Any, **kwargs: Any) -> Proxy:
        """The call of a method of that name."""
        return self.tracer.create_proxy("call_method", self.attribute, (self.root, *args), kwargs)


class CallTracer(Tracer):
    """Traces a network and learns a name for every call site and for every tensor that a module returns.

    A module's first call has the module's path, a further one that path with ``_1``, ``_2``, …; a call of a
    function or method has the path of the module whose code it stands in, and the function's name. Paths in a
    `Classifier` are relative to its ``network``.

    Code may ask for shapes and decide by them: such questions are answered for the example pictures.

    Args:
        pictures: example pictures ``[B,C,H,W]``.

    Attributes:
        sites: the call site's name, for every node that calls something.
        returned: the name of the outermost module that returns the node's value, if one does; `nn.Sequential` is
            a container and has no say.
        decided_by_shape: whether the code's way, or one of its numbers, hung on the shape of the example pictures.
    """

    def __init__(self, pictures: Tensor | None = None) -> None:
        super().__init__()
        self.sites: dict[Node, str] = {}
        self.returned: dict[Node, str] = {}
        self.decided_by_shape = False
        self._pictures = pictures
        self._thread = threading.get_ident()
        self._values: dict[Node, Any] = {}
        self._last: Node | None = None
        self._evaluating = False
        self._scopes = [""]
        self._taken = {"input"}
        self._further: dict[str, Iterator[int]] = {}
        self._paths: frozenset[str] = frozenset()
        self._prefix = ""

    def follow(self, model: nn.Module) -> Graph:
        """The graph of ``model``; parameters of its ``forward`` after the first keep their defaults."""
        self._prefix = "network" if isinstance(model, Classifier) else ""
        self._paths = frozenset(self._relative(path) for path, _ in model.named_modules())
        return self.trace(model, concrete_args=_defaults(model))

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Modules of torch and ours are one call; every other module is followed."""
        return isinstance(m, Normalise | Add | WeightedSum | Call) or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Follow the call and note which tensor it returns."""
        if self._evaluating or self._of_others():
            return forward(*args, **kwargs)
        path = self._relative(self.path_of_module(m))
        leaf = self.is_leaf_module(m, path)
        name = self.fresh_name(path or "network", frozenset({path})) if path or leaf else ""
        self._scopes.append(path)
        try:
            result = super().call_module(m, forward, args, kwargs)
        finally:
            self._scopes.pop()
        if leaf and getattr(m, "inplace", False) is True:
            self._rebind(args[0] if args else kwargs.get("input"), result)
        if isinstance(result, Proxy) and name:
            node = result.node
            if leaf:
                self.sites[node] = name
            # A module that hands on what it was given (stochastic depth in eval mode) made nothing.
            made = all(value is not result for value in (*args, *kwargs.values()))
            if made and not isinstance(m, nn.Sequential):
                self.returned[node] = name
        return result

    def create_proxy(
        self, kind: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *more: Any, **settings: Any
    ) -> Any:
        """A call, or those that a function of several operations stands for.

        What a call changes in place is what the call returns from then on, for all who hold it.
        """
        if kind not in ("call_function", "call_method"):
            return super().create_proxy(kind, target, args, kwargs, *more, **settings)
        changed = changed_in_place(kind, target, args, kwargs)
        target = PLAIN.get(target, target) if kind == "call_function" else target
        parts = FUNCTIONS.get(target) if kind == "call_function" else METHODS.get(target)
        if parts is not None:
            result = parts(*args, **kwargs)
        else:
            result = super().create_proxy(kind, target, args, kwargs, *more, **settings)
        self._rebind(changed, result)
        return result

    def _rebind(self, changed: Any, result: Any) -> None:
        """Let what was changed in place stand for the result; numbers and tuples cannot be changed."""
        if not isinstance(changed, ShapeProxy) or not isinstance(result, Proxy) or isinstance(changed, ShapeAttribute):
            return
        if self.is_of_shapes(changed.node) and not isinstance(self.known(changed.node, decides=False), Tensor):
            return
        changed.node = result.node

    def create_node(self, kind: str, target: Any, *args: Any, **kwargs: Any) -> Node:
        """Name the call sites of functions and methods."""
        node = super().create_node(kind, target, *args, **kwargs)
        if kind in ("call_function", "call_method"):
            label = target if isinstance(target, str) else getattr(target, "__name__", "call")
            scope = self._scopes[-1]
            self.sites[node] = self.fresh_name(f"{scope}.{label}" if scope else label)
        return node

    def proxy(self, node: Node) -> Proxy:
        """What stands for a node's value."""
        return ShapeProxy(node, self)

    def to_bool(self, obj: Proxy) -> bool:
        """The answer to a question about shapes; a question about values stops the trace."""
        return bool(self.known(obj.node)) if self.is_of_shapes(obj.node) else super().to_bool(obj)

    def iter(self, obj: Proxy) -> Iterator[Any]:
        """The parts of a value: as many as there are for the example pictures."""
        try:
            return super().iter(obj)
        except Exception:  # torch.fx has several ways to say that it cannot tell how many parts there are
            if not self.has_pictures:
                raise
            return iter([obj[index] for index in range(len(self.known(obj.node)))])  # type: ignore[index]

    @property
    def has_pictures(self) -> bool:
        """Whether there are examples that answer questions."""
        return self._pictures is not None

    def is_of_shapes(self, node: Node) -> bool:
        """Whether a node's value hangs on shapes and constants alone."""
        return self._pictures is not None and is_of_shapes(node)

    def known(self, node: Node, *, decides: bool = True) -> Any:
        """The value of a node for the example pictures.

        Args:
            node: of the graph so far.
            decides: whether the answer may be another one for pictures of another size.
        """
        self.decided_by_shape |= decides
        self._evaluating = True
        try:
            with torch.no_grad():
                while node not in self._values:
                    each = next(iter(self.graph.nodes)) if self._last is None else self._last.next
                    self._values[each] = self._run(each)
                    self._last = each
        finally:
            self._evaluating = False
        return self._values[node]

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """Weights become nodes, but where a node is evaluated, and of networks that others use meanwhile."""
        if self._evaluating or self._of_others():
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def _of_others(self) -> bool:
        """Whether it is another thread that asks: torch.fx patches `nn.Module` for all of them."""
        return threading.get_ident() != self._thread

    def _run(self, node: Node) -> Any:
        if node.op == "placeholder":
            return self._pictures if not self._values else (node.args[0] if node.args else None)
        if node.op == "get_attr":
            return operator.attrgetter(str(node.target))(self.root)
        args, kwargs = map_arg((node.args, node.kwargs), lambda each: self._values[each])
        if node.op == "call_module":
            return self.root.get_submodule(str(node.target))(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        return node.target(*args, **kwargs)  # type: ignore[operator]

    def fresh_name(self, wanted: str, allowed: frozenset[str] = frozenset()) -> str:
        """The first of ``wanted``, ``wanted_1``, … that is neither taken nor the path of another module."""
        further = self._further.setdefault(wanted, itertools.count(1))
        candidates = itertools.chain([wanted], (f"{wanted}_{index}" for index in further))
        name = next(
            candidate
            for candidate in candidates
            if candidate not in self._taken
            and (candidate in allowed or candidate not in self._paths)
            and candidate.rpartition(".")[2] not in MODULE_ATTRIBUTES
        )
        self._taken.add(name)
        return name

    def _relative(self, path: str) -> str:
        if self._prefix and path == self._prefix:
            return ""
        return path.removeprefix(f"{self._prefix}.") if self._prefix else path


def reads_shape(node: Node) -> bool:
    """Whether a node asks a tensor for its shape or kind."""
    if node.op == "call_method":
        return node.target in SHAPE_METHODS
    if node.op == "call_function":
        return node.target in SHAPE_FUNCTIONS or (node.target is getattr and node.args[1] in SHAPE_ATTRIBUTES)
    return False


def reads_kind(node: Node) -> bool:
    """Whether a node asks a tensor for what does not change with the number and the size of the pictures."""
    if node.op == "call_method":
        return node.target in KINDS
    return node.op == "call_function" and node.target is getattr and node.args[1] in KINDS


def is_of_shapes(node: Node) -> bool:
    """Whether a node's value hangs on shapes and constants alone: on no number of the picture."""
    waiting = [node]
    while waiting:
        one = waiting[-1]
        unknown = [each for each in one.all_input_nodes if OF_SHAPES not in each.meta]
        if unknown and not reads_shape(one):
            waiting += unknown
            continue
        waiting.pop()
        below = one.op != "placeholder" and all(each.meta.get(OF_SHAPES, False) for each in one.all_input_nodes)
        one.meta[OF_SHAPES] = reads_shape(one) or below
    known: bool = node.meta[OF_SHAPES]
    return known


OF_SHAPES = "of_shapes"
"""Where a node remembers the answer, which hangs on what it reads and never changes."""


def check_signature(model: nn.Module) -> None:
    """Refuse a network that takes more than pictures.

    Raises:
        PeepholeError: it does.
    """
    _defaults(model)


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


def trace(model: nn.Module, pictures: Tensor | None = None) -> tuple[Graph, CallTracer]:
    """Trace ``model``. Other threads may use networks meanwhile, and wait if they trace one.

    Args:
        model: the network.
        pictures: examples that answer its questions about shapes; without them such code cannot be traced.

    Raises:
        PeepholeError: its code cannot be traced; the message names the line that stopped the trace.
    """
    tracer = CallTracer(pictures)
    try:
        with ONE_AT_A_TIME:
            return tracer.follow(model), tracer
    except PeepholeError:
        raise
    except Exception as error:  # the network's own code runs here, and may raise anything
        reason = " ".join(str(error).split())
        raise PeepholeError(
            f"{type(model).__name__} cannot be traced: {_place(error)}: {type(error).__name__}: {reason.rstrip('.')}. "
            f"{_advice(reason)}"
        ) from error


ADVICE = (
    ("in place", "Expected code that makes new tensors; rewrite that line."),
    ("dynamo", "Expected plain code; leave torch.compile out around that function."),
    ("torch.compile", "Expected plain code; leave torch.compile out around that function."),
)
"""What helps where a trace stopped, by what torch.fx says of it."""


def _advice(reason: str) -> str:
    values = (
        "Expected code whose way does not depend on the picture's values; rewrite that line, or mark the function with "
        "torch.fx.wrap."
    )
    return next((advice for words, advice in ADVICE if words in reason), values)


def _place(error: Exception) -> str:
    """Where the network's own code was when the trace stopped: file, line and code."""
    library = (str(Path(torch.__file__).parent), __file__)
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(library)]
    frame = (theirs or list(frames))[-1]
    return f'{frame.filename}:{frame.lineno} "{frame.line}"'
