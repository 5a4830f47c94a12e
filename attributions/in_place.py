"""Which of its arguments a call changes in place."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

PLAIN: Mapping[Callable[..., Any], Callable[..., Any]] = MappingProxyType(
    {
        operator.iadd: operator.add,
        operator.isub: operator.sub,
        operator.imul: operator.mul,
        operator.itruediv: operator.truediv,
        operator.ifloordiv: operator.floordiv,
        operator.imod: operator.mod,
        operator.ipow: operator.pow,
        operator.imatmul: operator.matmul,
        operator.iand: operator.and_,
        operator.ior: operator.or_,
        operator.ixor: operator.xor,
    }
)
"""``x += y`` and the like, and the same without changing ``x``."""


def changed_in_place(kind: str, target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The argument that a call changes and hands back, or None.

    Args:
        kind: ``call_function`` or ``call_method``.
        target: the function, or the method's name.
        args: of the call, by place.
        kwargs: of the call, by name.
    """
    if "out" in kwargs:
        return kwargs["out"]
    name = target if isinstance(target, str) else getattr(target, "__name__", "")
    named = name.endswith("_") and not name.endswith("__")
    asked = kind == "call_function" and (target in PLAIN or _is_asked(target, args, kwargs))
    if not named and not asked:
        return None
    return args[0] if args else kwargs.get("input")


def _is_asked(target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a function is called with ``inplace=True``, wherever that stands."""
    if kwargs.get("inplace") is True:
        return True
    if not any(each is True for each in args):
        return False
    try:
        bound = inspect.signature(target).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return False
    return bound.arguments.get("inplace") is True
