"""The texts that name triggers, such as ``badnet(pattern=checkerboard, target=3)``.

A text is a trigger's name, and in parentheses, if wanted, arguments and ``option=value``. Values are numbers, ``True``,
``False``, ``None``, text, with or without quotes, and tuples of values. See `peephole.attributions.spec` for methods.
"""

from __future__ import annotations

import inspect
from dataclasses import replace

from peephole.texts.grammar import Grammar
from peephole.texts.naming import Naming
from peephole.texts.parsing import parse
from peephole.triggers.base import TRIGGERS, Trigger

VARIED = "varied"
"""The option of triggers that always look the same unless it is set: place and pattern are drawn from the seed."""

NAMING: Naming[Trigger] = Naming(
    TRIGGERS, Grammar("trigger", ("square", "wanet(k=4, s=0.5)", "badnet(pattern=checkerboard)"), nested=False)
)


def resolve(text: str) -> str:
    """The one spelling of a trigger's text, ``pattern=checkerboard`` as ``pattern='checkerboard'``; torch-free.

    Whether the options fit the trigger is not known before it is built.

    Raises:
        PeepholeError: the text is malformed, or names a trigger that does not exist.
    """
    return NAMING.resolve(text)


def name_of(text: str) -> str:
    """The registered name of the trigger that a text names; torch-free.

    Raises:
        PeepholeError: see `resolve`.
    """
    return NAMING.name_of(text)


def digest(text: str) -> str:
    """A digest of everything that makes a trigger what it is: text and code; torch-free.

    Of a plain name it is the registry's.

    Raises:
        PeepholeError: see `resolve`.
    """
    return NAMING.digest(text)


def build(text: str) -> Trigger:
    """Import and construct the trigger.

    Raises:
        PeepholeError: see `resolve`; or an option does not exist, is missing, of the wrong type or out of range; the
            message lists what the trigger takes.
    """
    return NAMING.build(text)


def varied(text: str) -> str:
    """The held-out form of a trigger, as a text in its one spelling: what it looks like depends on the seed.

    A trigger that has the option `VARIED` gets it. One that has not is taken to depend on the seed anyway, as all do
    that draw or learn something, and stays as it is.

    Raises:
        PeepholeError: see `build`.
    """
    build(text)
    spec = parse(resolve(text), NAMING.grammar)
    options = inspect.signature(TRIGGERS[spec.name]).parameters
    if VARIED not in options:
        return str(spec)
    given = {**dict(zip(options, spec.arguments, strict=False)), **dict(spec.options), VARIED: True}
    return str(replace(spec, arguments=(), options=tuple(given.items())))
