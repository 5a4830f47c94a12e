"""Restore and insert: the pixels of the clean picture and of the stamped one are exchanged in the order of the map."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from exhibit import Exhibit, Finished, part
from film import strip
from page import DARK, ONE, OTHER, SMALL, Page, shade
from torch import Tensor

from peephole.leaderboard.curves import Exchange
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.metrics.insert import Insert
from peephole.leaderboard.metrics.restore import Restore
from peephole.leaderboard.orders import most_relevant_first

LEFT = 1.6
DOUBLINGS = 8
"""Frames after the first few pixels, each of twice as many as the one before."""
GOOD, BAD = ("LRP-ε", "lrp_epsilon", "input"), ("edges", "edges", "input")
COMPARED = {
    "truth": ("oracle", "input"),
    "LRP-ε": ("lrp_epsilon", "input"),
    "gradient": ("gradient", "input"),
    "Grad-CAM": ("grad_cam", "last"),
    "centre": ("centre", "input"),
    "edges": ("edges", "input"),
    "constant": ("constant", "input"),
    "random": ("random", "input"),
}


def draw(run: Finished) -> Page:
    """A good and a bad map: the picture as they restore it and as they insert the mark, the curves, the averages."""
    square, warp = run.exhibit("square"), run.exhibit("wanet")
    page = Page(7.85)
    one = part(square.probes, [0])
    target, pixels = int(one.target[0, 0]), one.truth[0, 0].numel()
    counts = [0, *(pixels // 2**halved for halved in range(DOUBLINGS, -1, -1))]
    good, bad = (square.relevance(method, layer)[:1] for _, method, layer in (GOOD, BAD))
    page.map(0.1, 0.38, 1.1, good[0, 0], f"a good map ({GOOD[0]})", mask=one.inside[0, 0], frame=ONE)
    page.map(0.1, 1.86, 1.1, bad[0, 0], f"a bad map ({BAD[0]})", mask=one.inside[0, 0], frame=OTHER)
    page.heading(
        0.06, "Restore", "Where the map points, the clean picture is put back: how soon does the attack fail?", LEFT
    )
    for top, relevance in ((0.52, good), (2.0, bad)):
        strip(page, LEFT, top, _exchange(square, relevance, one.image, one.clean), counts, tinted=True)
    page.map(0.1, 3.66, 1.1, good[0, 0], f"a good map ({GOOD[0]})", mask=one.inside[0, 0], frame=ONE)
    page.heading(3.3, "Insert", "Where the map points, the mark is put in: how soon does the attack succeed?", LEFT)
    strip(page, LEFT, 3.8, _exchange(square, good, one.clean, one.image), counts, tinted=True)
    page.write(
        LEFT,
        4.78,
        "Above a frame: the share of pixels exchanged, tinted yellow. Green border: the network says the attack's\n"
        f"label, {target}. Red border: it does not.",
        linespacing=1.4,
    )
    page.heading(5.3, "The score is an area", "restore: smaller is better; insert: larger is better")
    asked = square.examined
    exact = Examined(
        asked.normalise, asked.network, steps=pixels, halvings=0
    )  # as the curves are drawn, pixel by pixel
    for left, title, metric, begin, end in (
        (0.7, "restore, this picture", Restore(), one.image, one.clean),
        (3.35, "insert, this picture", Insert(), one.clean, one.image),
    ):
        axes = page.axes(left, 6.0, 2.0, 1.4)
        for (name, _, _), relevance, colour, height in ((GOOD, good, ONE, 0.62), (BAD, bad, OTHER, 0.38)):
            _curve(axes, _exchange(square, relevance, begin, end), colour)
            area = metric.measure(relevance, replace(one, network=exact))[0].item()
            axes.text(0.5, height, f"{name}: area {area:.2f}", fontsize=9, ha="center", color=colour, weight="bold")
        axes.set(xlim=(0, 1), ylim=(0, 1.05), xticks=[0, 0.5, 1], xticklabels=["0", "50 %", "100 %"])
        axes.set(yticks=[0, 1], yticklabels=["no", "yes"])
        axes.set_title(title, fontsize=9, color=DARK, pad=3)
        axes.set_xlabel("pixels exchanged", fontsize=SMALL, labelpad=1)
        axes.set_ylabel("attack works", fontsize=SMALL, labelpad=3)
    page.write(7.45, 5.65, "restore, mean (lower is better)", 9, ha="center")
    for left, exhibit, title in ((6.3, square, "square"), (7.75, warp, "WaNet")):
        means = {
            name: Restore().measure(exhibit.relevance(*shown), exhibit.probes)[0].mean().item()
            for name, shown in COMPARED.items()
        }
        axes = page.bars((left, 6.05, 1.15, 1.45), means, Restore().levels(exhibit.probes).chance.mean().item())
        axes.set_title(title, fontsize=9, color=DARK, pad=3)
        if exhibit is warp:
            axes.set(yticks=[])
    return page


def _exchange(exhibit: Exhibit, relevance: Tensor, begin: Tensor, end: Tensor) -> Exchange:
    probes = part(exhibit.probes, [0])
    order, _ = most_relevant_first(relevance, probes)
    return Exchange(exhibit.examined, begin, end, order, probes.target[:, 0])


def _curve(axes: Any, exchange: Exchange, colour: str) -> None:
    """Whether the network says the target, after every single pixel."""
    counts = torch.arange(exchange.order.shape[1] + 1)[None]
    says = exchange.says_target(counts, torch.ones_like(counts, dtype=torch.bool))[0].double()
    shade(axes, (counts[0] / counts.max()).tolist(), says.tolist(), colour, "post")
