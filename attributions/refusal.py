"""Whether a method is defined on a network; if it is not, the operation that stands in the way, by name."""

from __future__ import annotations

from collections.abc import Sequence

from peephole.attributions.base import Attribution
from peephole.attributions.canonical import Canonical
from peephole.attributions.operations import Operation
from peephole.attributions.rule import Rule
from peephole.errors import PeepholeError


class NotDefined(PeepholeError):
    """A method says nothing on this network, or would be another method."""


def refuse_undefined(method: Attribution, model: Canonical, layers: Sequence[str]) -> None:
    """Refuse a method that is not defined on the part of a network above the lowest of some layers.

    Raises:
        NotDefined: it is not; the message names the operation, its place and the way out.
    """
    reason = refusal(method, model, layers)
    if reason is not None:
        raise NotDefined(reason)


def refusal(method: Attribution, model: Canonical, layers: Sequence[str]) -> str | None:
    """Why a method is not defined there; None if it is.

    Args:
        method: one of ours, with the rules that it is made of; other methods are never refused.
        model: a canonical graph.
        layers: where maps are asked for. What lies below the lowest does not matter.
    """
    if not isinstance(method, Rule):
        return None
    undefined = method.undefined()
    # What changes another rule is refused for that rule's sake.
    title = getattr(method, "method", method).title
    lowest = min((model.depth(layer) for layer in layers), default=0)
    for site in model.sites[lowest:]:
        reason = undefined.get(site.operation) or method.undefined_at(site)
        if reason is not None:
            return f"{title} is not defined on {site.described}: {reason}."
        counted = site.operation in (Operation.RELU, Operation.ACTIVATION, Operation.LINEAR, Operation.SUM)
        if method.compares_pictures_numbers() and counted and not site.batch_first:
            return (
                f"{title} compares the numbers of one picture, and at '{site.name}' a row is no picture: the "
                "network folds its pictures into other axes."
            )
    return next((reason for part in method.uses() if (reason := refusal(part, model, layers))), None)
