"""What a library's functions can be called with, and whether the options given fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from peephole.errors import PeepholeError, UnknownName


def spelt(kind: str, name: str, known: Collection[str]) -> str:
    """The spelling of ``name`` among ``known``: exactly, else without case, ``-`` and ``_``.

    Raises:
        UnknownName: none of them fits, or several do.
    """
    fits = fitting(name, known)
    if len(fits) != 1:
        raise UnknownName(kind, name, known)
    return fits[0]


def fitting(name: str, known: Collection[str]) -> list[str]:
    """Those of ``known`` that ``name`` may mean: itself, else all that differ in case, ``-`` and ``_`` only."""
    return [name] if name in known else [other for other in known if _folded(other) == _folded(name)]


def _folded(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "")


def keywords(function: Callable[..., Any], without: Collection[str] = ()) -> dict[str, inspect.Parameter]:
    """The parameters that can be given by name, less ``self`` and those in ``without``."""
    catch_all = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind not in catch_all and name != "self" and name not in without
    }


def required(parameters: Mapping[str, inspect.Parameter]) -> set[str]:
    """The names of those that have no default."""
    return {name for name, parameter in parameters.items() if parameter.default is inspect.Parameter.empty}


def refuse_unknown(method: str, options: Iterable[str], known: Iterable[str]) -> None:
    """Refuse options that the method does not have.

    Raises:
        PeepholeError: names the first, and lists those that there are.
    """
    there = sorted({*known, "seed"})
    for option in options:
        if option not in there:
            raise PeepholeError(f"{method} has no option '{option}'; it has: {', '.join(there)}.")


def chosen(options: Mapping[str, object], parameters: Collection[str]) -> dict[str, object]:
    """Those of the options that a function takes."""
    return {name: value for name, value in options.items() if name in parameters}
