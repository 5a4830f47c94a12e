"""The texts that name methods, such as ``tif(deeplift, 0.9)`` or ``captum:IntegratedGradients(n_steps=20)``.

A text is a name, or ``library:name``, and in parentheses, if wanted, arguments and ``option=value``. Values are
numbers, ``True``, ``False``, ``None``, text in quotes, tuples of values, and other methods. Nothing is looked up here,
nothing is evaluated, and torch is not needed.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from peephole.attributions.tokens import scan
from peephole.errors import PeepholeError

Value: TypeAlias = "bool | int | float | str | MethodSpec | tuple[Value, ...] | None"


@dataclass(frozen=True)
class MethodSpec:
    """A method and its options, as they were written; ``str`` gives the one spelling of it.

    Attributes:
        name: the method's name.
        library: the library that the method is of, or None for one of ours.
        arguments: values given by position.
        options: values given by name, in the order given.
    """

    name: str
    library: str | None = None
    arguments: tuple[Value, ...] = ()
    options: tuple[tuple[str, Value], ...] = ()

    @property
    def full_name(self) -> str:
        """``name`` or ``library:name``."""
        return f"{self.library}:{self.name}" if self.library else self.name

    def __str__(self) -> str:
        options = [*map(spell, self.arguments), *(f"{name}={spell(value)}" for name, value in self.options)]
        return f"{self.full_name}({', '.join(options)})" if options else self.full_name

    def methods(self) -> Iterator[MethodSpec]:
        """The method itself, and all that stand among its options, at any depth."""
        yield self
        for value in (*self.arguments, *(value for _, value in self.options)):
            yield from _methods(value)


def _methods(value: Value) -> Iterator[MethodSpec]:
    if isinstance(value, MethodSpec):
        yield from value.methods()
    elif isinstance(value, tuple):
        for part in value:
            yield from _methods(part)


def spell(value: Value) -> str:
    """A value as it is written in a text."""
    if isinstance(value, MethodSpec):
        return str(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(spell, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def parse(text: str) -> MethodSpec:
    """Read a method's text.

    Raises:
        PeepholeError: the text is malformed.
    """
    if not isinstance(text, str):
        raise PeepholeError(f"a method is named by a text such as 'tif(deeplift, 0.9)', not by {text!r}.")
    tokens = scan(text)
    wrong = next((token for kind, token in tokens if kind == "other"), None)
    if wrong is not None:
        _refuse(text, f"has a {wrong!r} outside quotes" if wrong not in "'\"" else "has a quote that is not closed")
    # Names become identifiers that Python can read: grad-cam, captum:LRP and lambda are none.
    names = [token for kind, token in tokens if kind == "name"]
    places = iter(range(len(names)))
    source = "".join(f"_{next(places)}" if kind == "name" else token for kind, token in tokens).strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an unknown escape in quotes
            tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        _refuse(text, "cannot be read")
    return _Reader(text, names).method(tree)


_CONSTANTS = {"true": True, "false": False, "none": None}


def _refuse(text: str, problem: str) -> NoReturn:
    shown = text if len(text) <= 80 else f"{text[:79]}…"
    raise PeepholeError(
        f"the method {shown!r} {problem}; write it like gradient, smoothgrad(samples=10) or tif(deeplift, 0.9)."
    )


@dataclass(frozen=True)
class _Reader:
    """From the syntax tree of a text to the spec. ``names[i]`` stands in the tree as ``_i``."""

    text: str
    names: Sequence[str]

    def method(self, node: ast.expr) -> MethodSpec:
        match node:
            case ast.Name(id=place):
                return self._spec(self._name(place))
            case ast.Call(func=ast.Name(id=place), args=args, keywords=keywords):
                options = tuple((self._option(keyword.arg), self.value(keyword.value)) for keyword in keywords)
                names = [name for name, _ in options]
                twice = next((name for name in names if names.count(name) > 1), None)
                if twice is not None:
                    _refuse(self.text, f"gives {twice} twice")
                return self._spec(self._name(place), tuple(map(self.value, args)), options)
        _refuse(self.text, "is not one method")

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Name(id=place) if self._name(place).lower() in _CONSTANTS:
                return _CONSTANTS[self._name(place).lower()]
            case ast.Name() | ast.Call():
                return self.method(node)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return tuple(map(self.value, parts))
            case ast.Constant(value=str() | int() | float() as constant):
                return self._finite(constant)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as constant)):
                return self._finite(-constant)
        _refuse(self.text, "has a value that is no number, text in quotes, tuple or method")

    def _finite(self, value: str | int | float) -> str | int | float:
        if isinstance(value, float) and not math.isfinite(value):
            _refuse(self.text, "has an infinite number")
        return value

    def _name(self, place: str) -> str:
        return self.names[int(place.removeprefix("_"))]

    def _option(self, place: str | None) -> str:
        name = "" if place is None else self._name(place).replace("-", "_")
        if not name.isidentifier():
            _refuse(self.text, f"has an option called {name!r}")
        return name

    def _spec(
        self, name: str, arguments: tuple[Value, ...] = (), options: tuple[tuple[str, Value], ...] = ()
    ) -> MethodSpec:
        library, colon, method = name.rpartition(":")
        if name.lower() in _CONSTANTS:
            _refuse(self.text, f"has {name} where a method is wanted")
        return MethodSpec(method, library if colon else None, arguments, options)
