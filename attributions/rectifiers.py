"""The rules that change the signal at ReLUs, and what they make of other activations."""

from __future__ import annotations

from typing import Literal

from peephole.attributions.domains import ANY_ACTIVATION, RECTIFIERS, Undefined
from peephole.attributions.operations import Operation
from peephole.attributions.tape import Handler
from peephole.attributions.way import Handlers

Activations = Literal["relu", "any"]
"""Which activations a rule changes the signal at: only ReLUs, and a network with others is refused, or all of them."""


def at_activations(handler: Handler, activation: Activations) -> Handlers:
    """One handler at every activation that counts."""
    kinds = (Operation.RELU,) if activation == "relu" else (Operation.RELU, Operation.ACTIVATION)
    return dict.fromkeys(kinds, handler)


def domain(activation: Activations) -> Undefined:
    """What such a rule is not defined on."""
    return RECTIFIERS if activation == "relu" else ANY_ACTIVATION
