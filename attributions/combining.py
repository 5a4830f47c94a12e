"""The field type of rules that are made from other methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import PlainValidator

from peephole.attributions.base import Attribution
from peephole.attributions.canonical import Canonical
from peephole.attributions.propagation import Propagation
from peephole.errors import PeepholeError


def _called(value: Any) -> str:
    return str(getattr(value, "title", repr(value)))


def _any_method(value: Any) -> Any:
    if not callable(getattr(value, "attribute", None)):
        raise ValueError(f"expected a method such as deeplift, not {_called(value)}")
    return value


def _one_pass(value: Any) -> Any:
    if not isinstance(value, Propagation):
        raise ValueError(
            f"expected a rule of one backward pass such as guided_backprop, not {getattr(value, 'title', repr(value))}"
        )
    return value


AnyMethod = Annotated[Attribution, PlainValidator(_any_method)]
"""Any attribution."""

OnePass = Annotated[Propagation, PlainValidator(_one_pass)]
"""A rule that is one way back through the network, and can be mixed with others."""


def up_to(model: Canonical, name: str | None) -> tuple[str, ...]:
    """The layers up to a cut point, its own included; all if no name is given."""
    depth = model.depth(name or model.layers[-1])
    return tuple(layer for layer in model.layers if model.depth(layer) <= depth)


def refuse_above(model: Canonical, name: str | None, layers: Sequence[str]) -> None:
    """Refuse layers above the one where a signal begins or is changed.

    Raises:
        PeepholeError: one of ``layers`` lies above ``name``.
    """
    top = name or model.layers[-1]
    for layer in layers:
        if model.depth(layer) > model.depth(top):
            raise PeepholeError(f"there is no map at '{layer}', which lies above '{top}'; ask for layers up to that.")
