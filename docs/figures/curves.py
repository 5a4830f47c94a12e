"""MoRF and LeRF: pixels are taken out in the order of the map, and the network is asked what it says now."""

from __future__ import annotations

from typing import Any

import torch
from exhibit import Exhibit, Finished, part
from film import strip
from page import DARK, ONE, OTHER, SMALL, Page, shade
from torch import Tensor, nn

from peephole.leaderboard.baselines import baseline_inputs
from peephole.leaderboard.curves import Exchange
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.metrics.lerf import Lerf
from peephole.leaderboard.metrics.morf import Morf
from peephole.leaderboard.orders import most_relevant_first
from peephole.leaderboard.perturbation import quadratic

LEFT = 1.6
FRAMES = 8
"""Steps of a strip."""
COMPARED = {
    "truth": ("oracle", "input"),
    "LRP-ε": ("lrp_epsilon", "input"),
    "gradient": ("gradient", "input"),
    "Grad-CAM": ("grad_cam", "last"),
    "edges": ("edges", "input"),
    "constant": ("constant", "input"),
    "random": ("random", "input"),
}


def draw(run: Finished) -> Page:
    """Two strips of one picture, its two curves, and what maps score on average, on two triggers."""
    square, warp = run.exhibit("square"), run.exhibit("wanet")
    page = Page(6.35)
    relevance = square.relevance("lrp_epsilon")
    one = part(square.probes, [0])
    target = int(one.target[0, 0])
    page.picture(0.1, 0.12, 1.25, one.image[0], f"the picture: label {target}", mask=one.inside[0, 0])
    page.map(0.1, 1.85, 1.25, relevance[0, 0], "its map (LRP-ε)", mask=one.inside[0, 0])
    page.heading(0.06, "MoRF", "Most relevant first: how soon does the decision go?", LEFT)
    _strip(page, 0.55, square, relevance, least_first=False)
    page.heading(1.72, "LeRF", "Least relevant first: how long does the decision stay?", LEFT)
    _strip(page, 2.21, square, relevance, least_first=True)
    page.write(
        LEFT,
        3.28,
        "Above a frame: the share of pixels taken out (replaced by the data set's mean colour). Green border: the\n"
        f"network still says the attack's label, {target}. Red border: it does not.",
        linespacing=1.4,
    )
    page.heading(3.93, "The score is an area", "MoRF − LeRF: the relevant pixels carry the decision, the others do not")
    _both(page.axes(0.7, 4.6, 2.0, 1.25), square, relevance[:1], "this picture", [0])
    _both(page.axes(3.35, 4.6, 2.0, 1.25), square, relevance, f"mean of {len(relevance)} pictures", None)
    page.write(7.45, 4.25, "MoRF − LeRF (higher is better)", 9, ha="center")
    for left, exhibit, title in ((6.3, square, "square"), (7.75, warp, "WaNet")):
        difference = {name: _difference(exhibit, *shown) for name, shown in COMPARED.items()}
        axes = page.bars((left, 4.65, 1.2, 1.3), difference, 0.0)
        axes.set_title(title, fontsize=9, color=DARK, pad=3)
        if exhibit is warp:
            axes.set(yticks=[])
    return page


def _exchange(exhibit: Exhibit, relevance: Tensor, which: list[int], *, least_first: bool) -> Exchange:
    """Pixels replaced by zero as the network gets it, as the two metrics do."""
    probes = part(exhibit.probes, which)
    order, _ = most_relevant_first(relevance[which], probes)
    asked = exhibit.examined
    inputs = Examined(nn.Identity(), asked.network, steps=asked.steps, halvings=0, batch=asked.batch)
    empty = baseline_inputs("zero", asked, probes.image)
    return Exchange(
        inputs, asked.normalise(probes.image), empty, order.flip(1) if least_first else order, probes.target[:, 0]
    )


def _knots(pixels: int, steps: int, *, least_first: bool) -> Tensor:
    knots = quadratic(pixels, steps)
    return pixels - knots.flip(0) if least_first else knots


def _strip(page: Page, top: float, exhibit: Exhibit, relevance: Tensor, *, least_first: bool) -> None:
    normalise = exhibit.poisoned.normalise
    exchange = _exchange(exhibit, relevance, [0], least_first=least_first)
    knots = _knots(exchange.order.shape[1], FRAMES, least_first=least_first).tolist()
    strip(page, LEFT, top, exchange, knots, to_picture=lambda shown: shown * normalise.std + normalise.mean)


def _both(axes: Any, exhibit: Exhibit, relevance: Tensor, title: str, which: list[int] | None) -> None:
    """Both curves, as the metrics follow them, and their areas."""
    which = list(range(len(relevance))) if which is None else which
    probes = part(exhibit.probes, which)
    for metric, colour, height, least_first in ((Morf(), ONE, 0.55, False), (Lerf(), OTHER, 0.25, True)):
        exchange = _exchange(exhibit, relevance, which, least_first=least_first)
        pixels = exchange.order.shape[1]
        knots = _knots(pixels, exhibit.examined.steps, least_first=least_first).expand(len(which), -1)
        changed = ~exchange.says_target(knots, torch.ones_like(knots, dtype=torch.bool))
        shade(axes, (knots[0] / pixels).tolist(), changed.double().mean(dim=0).tolist(), colour)
        area = metric.measure(relevance[which], probes)[0].mean().item()
        name = f"{metric.title}: area {area:.2f}"
        axes.text(0.5, height, name, fontsize=9, ha="center", color=colour, weight="bold")
    axes.set(xlim=(0, 1), ylim=(0, 1.05), xticks=[0, 0.5, 1], xticklabels=["0", "50 %", "100 %"], yticks=[0, 1])
    axes.set(yticklabels=["no", "yes"] if len(which) == 1 else ["0 %", "100 %"])
    axes.set_title(title, fontsize=9, color=DARK, pad=3)
    axes.set_xlabel("pixels taken out", fontsize=SMALL, labelpad=1)
    axes.set_ylabel("decision changed", fontsize=SMALL, labelpad=3)


def _difference(exhibit: Exhibit, method: str, layer: str) -> float:
    relevance = exhibit.relevance(method, layer)
    areas = [metric.measure(relevance, exhibit.probes)[0].mean().item() for metric in (Morf(), Lerf())]
    return areas[0] - areas[1]
