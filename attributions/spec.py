"""The texts that name methods, such as ``tif(deeplift, 0.9)`` or ``captum:IntegratedGradients(n_steps=20)``.

A text is a name, or ``library:name``, and in parentheses, if wanted, arguments and ``option=value``. Values are
numbers, ``True``, ``False``, ``None``, text in quotes, tuples of values, and other methods. Nothing is looked up here,
nothing is evaluated, and torch is not needed.
"""

from __future__ import annotations

from typing import TypeAlias

from peephole.texts import parsing
from peephole.texts.grammar import Grammar
from peephole.texts.spec import Spec

METHODS = Grammar("method", ("gradient", "smoothgrad(samples=10)", "tif(deeplift, 0.9)"), nested=True)

MethodSpec: TypeAlias = Spec
"""A method and its options, as they were written."""


def parse(text: str) -> MethodSpec:
    """Read a method's text.

    Raises:
        PeepholeError: the text is malformed.
    """
    return parsing.parse(text, METHODS)
