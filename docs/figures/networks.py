"""Metrics that ask other networks: the clean twin, and copies whose weights are lost stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from exhibit import Exhibit, Finished, part
from page import GREY, ONE, OTHER, Page
from torch import Tensor, nn

from peephole.attributions.randomised import Which, plan, randomised, stages
from peephole.leaderboard.base import METRICS, ComparisonMetric
from peephole.leaderboard.counters import uniform
from peephole.leaderboard.metrics.truth_auprc import TruthAuprc

COMPARED = {
    "oracle": ("oracle", "input"),
    "LRP-ε": ("lrp_epsilon", "input"),
    "gradient": ("gradient", "input"),
    "Guided Backprop": ("guided_backprop", "input"),
    "LRP-α1β0": ("lrp_alpha1_beta0", "input"),
    "Grad-CAM": ("grad_cam", "last"),
    "edges": ("edges", "input"),
}
PAIR = ("LRP-ε", "Guided Backprop")
PICTURES = 16
"""Whose maps of randomised networks are averaged."""
QUESTIONS = {
    "top_down": "lost from the label down",
    "bottom_up": "lost from the picture up",
    "independent": "lost one stage at a time",
}
NOISE = "noise, new each time"


def draw(run: Finished) -> Page:
    """The twin, the three sanity checks on one picture, and what maps score on average."""
    page, exhibit = Page(9.3), run.exhibit("square")
    _twin(page, exhibit)
    page.heading(2.55, "Sanity checks", "Does the map change when the network forgets what it has learnt?")
    page.write(
        0.1,
        2.83,
        "Above a map: the stages whose weights are lost. Below: |rank correlation| with the first map; the mean is the "
        "score. Each map has its own scale.",
    )
    kept = _Randomised(exhibit)
    for row, (order, text) in enumerate(QUESTIONS.items()):
        _strips(page, 3.1 + row * 1.36, kept, order, text)
    page.write(4.5, 7.22, f"mean of {PICTURES} pictures (lower is better; chance, dashed, is 1)", 9, ha="center")
    for left, order in zip((1.7, 4.5, 7.3), QUESTIONS, strict=True):
        axes = page.bars((left, 7.68, 1.4, 1.4), kept.means(order), 1.0)
        axes.set_title(_metric(f"sanity_{order}").title.removeprefix("Sanity check, "), fontsize=9, pad=3)
        if order != "top_down":
            axes.set(yticks=[])
    return page


def _metric(name: str) -> ComparisonMetric:
    metric = METRICS[name]()
    assert isinstance(metric, ComparisonMetric)
    return metric


def _twin(page: Page, exhibit: Exhibit) -> None:
    """Two kinds of map on both networks; the maps of a kind in one scale."""
    metric, probes, size = _metric("twin_difference"), part(exhibit.probes, [0]), 1.2
    page.heading(0.06, metric.title, "Does it find the mark because the network looks at it, or in any case?")
    mask = probes.inside[0, 0]
    page.picture(0.1, 0.62, size, probes.image[0], "below: truth AUPRC", mask=mask)
    for left, title, colour in ((1.62, "LRP-ε", ONE), (4.42, "edges", OTHER)):
        method, layer = COMPARED[title]
        here, there = exhibit.relevance(method, layer)[:1], exhibit.explain(method, exhibit.twin, 1, layer)
        limit = max(here.abs().max().item(), there.abs().max().item())
        score = metric.compare(here, there[None], probes).value.item()
        page.write(left + size + 0.05, 0.4, f"{title}: score {score:.2f}", 9, ha="center", color=colour, weight="bold")
        for place, (name, relevance) in enumerate((("poisoned", here), ("clean twin", there))):
            found = TruthAuprc().score(relevance, probes).value.item()
            caption = f"{name}: {found:.2f}"
            x = left + place * (size + 0.1)
            page.map(x, 0.62, size, relevance[0, 0], caption, mask=mask, frame=colour, limit=limit)
    count = len(exhibit.probes.image)
    means = {}
    for title, (method, layer) in COMPARED.items():
        others = exhibit.explain(method, exhibit.twin, count, layer)[None]
        means[title] = metric.compare(exhibit.relevance(method, layer), others, exhibit.probes).value.mean().item()
    page.write(8.9, 0.4, f"mean of {count} pictures", 9, ha="right")
    page.bars((7.9, 0.6, 0.95, 1.45), _one_line(means), 0.0)


class _Randomised:
    """Maps of the randomised networks of the three checks, each made once."""

    def __init__(self, exhibit: Exhibit) -> None:
        self.exhibit = exhibit
        self.names = stages(exhibit.poisoned)
        self.orders: Mapping[str, tuple[Which, ...]] = plan(self.names)
        self.network = cache(self._network)
        self.maps = cache(self._maps)

    def _network(self, which: Which) -> nn.Module:
        return randomised(self.exhibit.poisoned, which, self.exhibit.backdoor.seed)

    def _maps(self, title: str, which: Which) -> Tensor:
        method, layer = COMPARED[title]
        return self.exhibit.explain(method, self.network(which), PICTURES, layer)

    def others(self, title: str, order: str) -> Tensor:
        """``[V,PICTURES,1,H,W]``."""
        return torch.stack([self.maps(title, which) for which in self.orders[order]])

    def means(self, order: str) -> dict[str, float]:
        """What each map scores, and noise that is drawn anew for each network."""
        metric, probes = _metric(f"sanity_{order}"), part(self.exhibit.probes, range(PICTURES))
        found = {}
        for title, (method, layer) in COMPARED.items():
            here = self.exhibit.relevance(method, layer)[:PICTURES]
            found[title] = metric.compare(here, self.others(title, order), probes).value.mean().item()
        drawn = [uniform(probes.numbers, probes.truth[0].numel(), stream) for stream in range(len(self.names) + 1)]
        noise = torch.stack(drawn).view(-1, *probes.truth.shape)
        found[NOISE] = metric.compare(noise[0], noise[1:], probes).value.mean().item()
        return _one_line(found)


def _strips(page: Page, top: float, kept: _Randomised, order: str, text: str) -> None:
    """The trained network's map and those of the randomised ones, for two methods beside each other."""
    metric, probes = _metric(f"sanity_{order}"), part(kept.exhibit.probes, [0])
    wide = 4.35
    for place, (title, colour) in enumerate(zip(PAIR, (ONE, OTHER), strict=True)):
        left = 0.1 + place * (wide + 0.12)
        here = kept.exhibit.relevance(*COMPARED[title])[:1]
        others = kept.others(title, order)[:, :1]
        score = metric.compare(here, others, probes).value.item()
        page.write(left, top, f"{title}, {text}: score {score:.2f}", 9, color=colour, weight="bold")
        step = wide / (len(others) + 1)
        alike = (metric.compare(here, each[None], probes).value.item() for each in others)
        captions = ["", *(f"{one:.2f}" for one in alike)]
        tiles = zip(("trained", *_lost(kept, order)), (here, *others), captions, strict=True)
        for number, (name, relevance, caption) in enumerate(tiles):
            x = left + number * step
            page.write(x + (step - 0.05) / 2, top + 0.2, name, ha="center", color=GREY)
            page.map(x, top + 0.36, step - 0.05, relevance[0, 0], caption, frame=colour if not number else GREY)


def _lost(kept: _Randomised, order: str) -> list[str]:
    """What each network has lost; a plus where that is more than the one before."""
    names = kept.names[::-1] if order == "top_down" else kept.names
    return [name if order == "independent" or not place else f"+ {name}" for place, name in enumerate(names)]


def _one_line(scores: Mapping[str, float]) -> dict[str, float]:
    """Names short enough to stand beside bars."""
    return {name.replace("Guided Backprop", "Guided BP"): score for name, score in scores.items()}
