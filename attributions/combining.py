"""The field type of rules that are made from other methods."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainValidator

from peephole.attributions.base import Attribution
from peephole.attributions.propagation import Propagation


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
