"""From a text to what it says. It is read with Python's own parser; nothing is looked up, nothing is evaluated.

Values are numbers, ``True``, ``False``, ``None``, text in quotes, tuples of values, and, as the grammar has it, other
things or text without quotes.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from peephole.errors import PeepholeError
from peephole.texts.grammar import Grammar
from peephole.texts.spec import Spec, Value
from peephole.texts.tokens import scan

_CONSTANTS = {"true": True, "false": False, "none": None}


@lru_cache(maxsize=4096)
def parse(text: str, grammar: Grammar) -> Spec:
    """Read a text.

    Raises:
        PeepholeError: the text is malformed.
    """
    grammar.check_text(text)
    tokens = scan(text)
    wrong = next((token for kind, token in tokens if kind == "other"), None)
    if wrong is not None:
        problem = f"has a {wrong!r} outside quotes" if wrong not in "'\"" else "has a quote that is not closed"
        raise grammar.wrong(text, problem)
    # Names become identifiers that Python can read: grad-cam, captum:LRP and lambda are none.
    names = [token for kind, token in tokens if kind == "name"]
    places = iter(range(len(names)))
    source = "".join(f"_{next(places)}" if kind == "name" else token for kind, token in tokens).strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an unknown escape in quotes
            tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise grammar.wrong(text, "cannot be read") from error
    return _Reader(text, grammar, names).thing(tree)


@dataclass(frozen=True)
class _Reader:
    """From the syntax tree of a text to the spec. ``names[i]`` stands in the tree as ``_i``."""

    text: str
    grammar: Grammar
    names: Sequence[str]

    def thing(self, node: ast.expr) -> Spec:
        match node:
            case ast.Name(id=place):
                return self._spec(self._name(place))
            case ast.Call(func=ast.Name(id=place), args=args, keywords=keywords):
                options = tuple((self._option(keyword.arg), self.value(keyword.value)) for keyword in keywords)
                names = [name for name, _ in options]
                twice = next((name for name in names if names.count(name) > 1), None)
                if twice is not None:
                    raise self._wrong(f"gives {twice} twice")
                return self._spec(self._name(place), tuple(map(self.value, args)), options)
        raise self._wrong(f"is not one {self.grammar.kind}")

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Name(id=place) if self._name(place).lower() in _CONSTANTS:
                return _CONSTANTS[self._name(place).lower()]
            case ast.Name(id=place) if not self.grammar.nested:
                return self._name(place)
            case ast.Name() | ast.Call() if self.grammar.nested:
                return self.thing(node)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return tuple(map(self.value, parts))
            case ast.Constant(value=str() | int() | float() as constant):
                return self._finite(constant)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as constant)):
                return self._finite(-constant)
        raise self._wrong(f"has a value that is no {self.grammar.values}")

    def _finite(self, value: str | int | float) -> str | int | float:
        if isinstance(value, float) and not math.isfinite(value):
            raise self._wrong("has an infinite number")
        return value

    def _name(self, place: str) -> str:
        return self.names[int(place.removeprefix("_"))]

    def _option(self, place: str | None) -> str:
        name = "" if place is None else self._name(place).replace("-", "_")
        if not name.isidentifier():
            raise self._wrong(f"has an option called {name!r}")
        return name

    def _spec(self, name: str, arguments: tuple[Value, ...] = (), options: tuple[tuple[str, Value], ...] = ()) -> Spec:
        library, colon, own = name.rpartition(":")
        if name.lower() in _CONSTANTS:
            raise self._wrong(f"has {name} where a {self.grammar.kind} is wanted")
        return Spec(own, library if colon else None, arguments, options)

    def _wrong(self, problem: str) -> PeepholeError:
        return self.grammar.wrong(self.text, problem)
