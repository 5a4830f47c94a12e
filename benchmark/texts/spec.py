"""What a text says: a name, or ``library:name``, and in parentheses, if wanted, arguments and ``option=value``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | Spec | tuple[Value, ...] | None"


@dataclass(frozen=True)
class Spec:
    """A thing and its options, as they were written; ``str`` gives the one spelling of it.

    Attributes:
        name: the thing's name.
        library: the library that the thing is of, or None for one of ours.
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

    @property
    def is_plain(self) -> bool:
        """Whether it is a mere name: of no library, without options."""
        return self == Spec(self.name)

    def __str__(self) -> str:
        options = [*map(spell, self.arguments), *(f"{name}={spell(value)}" for name, value in self.options)]
        return f"{self.full_name}({', '.join(options)})" if options else self.full_name

    def specs(self) -> Iterator[Spec]:
        """The spec itself, and all that stand among its options, at any depth."""
        yield self
        for value in (*self.arguments, *(value for _, value in self.options)):
            yield from _specs(value)


def _specs(value: Value) -> Iterator[Spec]:
    if isinstance(value, Spec):
        yield from value.specs()
    elif isinstance(value, tuple):
        for part in value:
            yield from _specs(part)


def spell(value: Value) -> str:
    """A value as it is written in a text."""
    if isinstance(value, Spec):
        return str(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(spell, value))}{',' if len(value) == 1 else ''})"
    return repr(value)
