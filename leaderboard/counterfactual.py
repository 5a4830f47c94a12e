"""How soon the decision flips when a trigger is undone, or put in, pixel after pixel: behind restore and insert."""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes
from peephole.leaderboard.curve_shapes import Steps
from peephole.leaderboard.curves import Exchange
from peephole.leaderboard.halving import halved
from peephole.leaderboard.orders import most_relevant_first


def target_curve(relevance: Tensor, probes: Probes, *, undo: bool) -> tuple[Steps, Tensor]:
    """The curve of "the network says the target" against the share of pixels exchanged, most relevant first.

    Exchanging a pixel that the trigger left alone changes nothing. So of P pixels only the m that it changed matter:
    the curve stays as it is from the place of the j-th of them in the map's order to that of the next. The network is
    asked at j = m i / K, rounded, for i = 1 to K - 1, K = `Examined.steps`, each j once: K - 1 passes a picture at
    most. Both ends are the same for all maps, see `Probes.says_target`.

    Its area is the sum over k = 0 to P - 1 of the decision after k pixels, divided by P. It is exact if m <= K. Else
    what lies between two knots that agree is taken to agree too, and where they do not it is `halved`; what is still
    between two that do not counts as the mean of both.

    Args:
        relevance: signed maps ``[N,1,H,W]``.
        probes: with their network.
        undo: whether stamped pictures turn into clean ones; else clean ones into stamped ones.

    Returns:
        ``(curve, valid)``: the curve of each picture, in steps, and bool ``[N]``, False where the map has no positive
        relevance.

    Raises:
        PeepholeError: there is no network, there are several targets, shapes differ, a map is not finite, or the
            trigger changed nothing in a picture.
    """
    order, valid = most_relevant_first(relevance, probes)
    pictures, says_target = (probes.image, probes.clean), probes.says_target
    (begin, end), (at_begin, at_end) = (pictures, says_target) if undo else (pictures[::-1], says_target[::-1])
    pixels = order.shape[1]
    changed = (begin != end).any(dim=1).flatten(1)
    many = changed.sum(dim=1)
    if not bool(many.all()):
        raise PeepholeError(
            f"the trigger changed nothing in {int((many == 0).sum())} of {len(many)} pictures, expected a pixel each; "
            "leave out pictures without the trigger"
        )
    knots = even(many, probes.examined.steps)
    asked = torch.ones_like(knots, dtype=torch.bool)
    asked[:, :-1] = knots[:, 1:] > knots[:, :-1]  # of equal knots the last, from which on the curve goes on
    asked &= (knots > 0) & (knots < many[:, None])
    turns = _turns(changed.gather(1, order))
    exchange = Exchange(probes.examined, begin, end, order, probes.target[:, 0])
    says = exchange.says_target(turns.gather(1, knots), asked)
    says = torch.where(knots == 0, at_begin[:, None], torch.where(knots == many[:, None], at_end[:, None], says))
    says = _of_equals_the_last(knots, says)
    knots, says = halved(
        knots, says, lambda at, wanted: exchange.says_target(turns.gather(1, at), wanted), probes.examined.halvings
    )
    height = says.double()
    coarse = torch.diff(knots, dim=1) > 1
    height[:, :-1] = torch.where(coarse, (height[:, :-1] + height[:, 1:]) / 2, height[:, :-1])
    return Steps(turns.gather(1, knots), height, pixels), valid


def even(many: Tensor, steps: int) -> Tensor:
    """Even numbers from 0 to each of int64 ``[N]``, rounded: int64 ``[N,steps+1]``, ascending, some perhaps twice."""
    step = torch.arange(steps + 1, device=many.device)
    return (2 * many[:, None] * step + steps) // (2 * steps)


def _of_equals_the_last(knots: Tensor, says: Tensor) -> Tensor:
    """Give knots that are equal the answer of the last of them, the only one that was asked for."""
    last = torch.searchsorted(knots, knots, right=True) - 1
    return says.gather(1, last)


def _turns(changed: Tensor) -> Tensor:
    """How many pixels must be exchanged for j changed ones to be among them, j = 0 to the most that any picture has.

    Args:
        changed: bool ``[N,P]``, whether the pixel at each place of the order is a changed one.

    Returns:
        int64 ``[N,m+1]``; 0 for j = 0 and beyond a picture's own number.
    """
    picture, place = changed.nonzero().unbind(dim=1)
    which = changed.cumsum(dim=1)[picture, place]
    turns = place.new_zeros(len(changed), int(which.max()) + 1)
    turns[picture, which] = place + 1
    return turns
