"""How soon the network changes its decision when pixels are taken out: the curve behind MoRF and LeRF."""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.leaderboard.base import Probes
from peephole.leaderboard.baselines import Baseline, baseline_inputs
from peephole.leaderboard.curve_shapes import Polyline
from peephole.leaderboard.curves import Exchange
from peephole.leaderboard.halving import halved
from peephole.leaderboard.orders import most_relevant_first


def changed_curve(
    relevance: Tensor, probes: Probes, baseline: Baseline, *, least_first: bool = False
) -> tuple[Polyline, Tensor]:
    """The curve of "the decision is no longer the target" against the share of pixels taken out.

    The target is the decision on the picture as it is, so that the curve begins at 0 without asking. Asked for are the
    knots in between (see `quadratic`), `Examined.steps` - 1 a picture at most, and the picture with all pixels out,
    once for all pictures if it is the same for all. Where the decision changes between two knots, more of them are, see
    `halved`.

    Args:
        relevance: signed maps ``[N,1,H,W]``.
        probes: with their network.
        baseline: what stands in for pixels that are taken out.
        least_first: whether pixels are taken out from the least relevant up.

    Returns:
        ``(curve, valid)``: the curve of each picture, straight between knots, and bool ``[N]``, False where the map has
        no positive relevance.

    Raises:
        PeepholeError: there is no network, there are several targets, shapes differ, or a map is not finite.
    """
    order, valid = most_relevant_first(relevance, probes)
    count, pixels = order.shape
    examined, target = probes.examined.of_inputs(), probes.target[:, 0]
    with torch.inference_mode():
        image = probes.examined.normalise(probes.image)
        empty = baseline_inputs(baseline, probes.examined, probes.image)
    knots = quadratic(pixels, examined.steps).to(order.device)
    if least_first:
        order, knots = order.flip(1), pixels - knots.flip(0)
    exchange = Exchange(examined, image, empty, order, target)
    between = knots[1:-1].expand(count, -1)
    changed = torch.zeros(count, len(knots), dtype=torch.bool, device=order.device)
    changed[:, 1:-1] = ~exchange.says_target(between, torch.ones_like(between, dtype=torch.bool))
    changed[:, -1] = examined.decisions(empty) != target
    places, changed = halved(
        knots.repeat(count, 1), changed, lambda at, asked: ~exchange.says_target(at, asked), examined.halvings
    )
    return Polyline(places, changed.double(), pixels), valid


def quadratic(pixels: int, steps: int) -> Tensor:
    """Numbers of pixels at which a curve is looked at: ``pixels * (i / steps)^2`` for i = 0 to ``steps``, rounded.

    Dense where few pixels are out, since a trigger is small and little happens once it is gone.

    Returns:
        int64, from 0 to ``pixels``, each number once.
    """
    step = torch.arange(steps + 1)
    knots: Tensor = torch.unique((2 * pixels * step**2 + steps**2) // (2 * steps**2))
    return knots
