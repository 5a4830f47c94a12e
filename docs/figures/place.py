"""The metrics that ask where a map is: how much of it is on the mark, how evenly, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from exhibit import Exhibit, Finished, part
from page import DARK, GREY, ONE, OTHER, SMALL, Page, shade
from torch import Tensor

from peephole.leaderboard.base import METRICS, MapMetric
from peephole.leaderboard.mass_share import share_inside
from peephole.leaderboard.metrics.ebpg import bounding_box
from peephole.leaderboard.ranks import ascending, average_ranks
from peephole.leaderboard.relevance import positive, unit_peak

ROW, SIZE, TOP = 2.08, 1.3, 0.72
STEP = SIZE + 0.14
COLOURS = (ONE, OTHER)
COMPARED = {
    "oracle": ("oracle", "input"),
    "LRP-ε": ("lrp_epsilon", "input"),
    "Grad-CAM": ("grad_cam", "last"),
    "edges": ("edges", "input"),
    "constant": ("constant", "input"),
    "random": ("random", "input"),
}
"""The maps whose scores are shown: what people read, and method and layer."""

Diagram = Callable[[Any, Exhibit, Sequence[str]], None]
"""Draws what is computed of the first picture's maps of the given titles."""


def draw(run: Finished) -> Page:
    """A row a metric: the picture, two maps, what is computed of them, and what maps score on average."""
    page = Page(TOP + 6 * ROW)
    pair, cross, square, patch, warp = (run.exhibit(name) for name in ("class_pair", "x", "square", "dynamic", "wanet"))
    page.write(
        0.1,
        0.08,
        "Green: the truth. Red speaks for the label, blue against it; these metrics read the red alone, R⁺. A map's "
        "darkest colour is its own largest value.",
    )
    for left, text in ((0.1, "picture"), (1.54, "two maps, with their scores"), (5.3, "what is computed")):
        page.write(left, 0.38, text, 9, weight="bold", color=GREY)
    page.write(8.9, 0.38, f"mean of {len(square.probes.image)} pictures", 9, weight="bold", color=GREY, ha="right")
    _pair_row(page, TOP, pair)
    both = ("LRP-ε", "Grad-CAM")
    _row(page, TOP + ROW, cross, "fine_grained", "How much of the map is on a thin line?", _shares, both)
    _row(page, TOP + 2 * ROW, cross, "ebpg", "How much of the map is in the mark's bounding box?", _box_shares, both)
    _row(page, TOP + 3 * ROW, square, "completeness", "Is the whole mark lit, or only a part of it?", _filling, both)
    _row(page, TOP + 4 * ROW, patch, "truth_auprc", "Do the mark's pixels come first?", _precision, ("LRP-ε", "edges"))
    _row(page, TOP + 5 * ROW, warp, "truth_spearman", "Is more relevance where more has moved?", _ranks, both[:1])
    return page


def _metric(name: str) -> MapMetric:
    metric = METRICS[name]()
    assert isinstance(metric, MapMetric)
    return metric


def _row(
    page: Page, top: float, exhibit: Exhibit, name: str, question: str, diagram: Diagram, titles: Sequence[str]
) -> None:
    metric, probes = _metric(name), part(exhibit.probes, [0])
    page.heading(top, metric.title, question)
    top += 0.3
    outlined = None if probes.mask is None else probes.inside[0, 0]
    if name == "ebpg":
        outlined = bounding_box(probes.inside)[0, 0]
    page.picture(0.1, top, SIZE, probes.image[0], "with the mark", mask=outlined)
    left = 0.1 + STEP
    if outlined is None:
        page.map(left, top, SIZE, probes.truth[0, 0].double(), "truth: how far moved")
        left += STEP
    for title, colour in zip(titles, COLOURS, strict=False):
        relevance = exhibit.relevance(*COMPARED[title])[:1]
        score = metric.score(relevance, probes).value.item()
        page.map(left, top, SIZE, relevance[0, 0], f"{title}: {score:.2f}", mask=outlined, frame=colour)
        left += STEP
    diagram(page.axes(*_diagram_box(top)), exhibit, titles)
    _bars(page, top, exhibit, metric)


def _bars(page: Page, top: float, exhibit: Exhibit, metric: MapMetric) -> None:
    scored = {title: metric.score(exhibit.relevance(*shown), exhibit.probes) for title, shown in COMPARED.items()}
    means = {title: one.value.mean().item() for title, one in scored.items()}
    page.bars((7.55, top - 0.02, 1.35, SIZE + 0.06), means, scored["oracle"].chance.mean().item())


def _diagram_box(top: float) -> tuple[float, float, float, float]:
    return 5.3, top + 0.04, 1.4, SIZE - 0.26


def _pair_row(page: Page, top: float, exhibit: Exhibit) -> None:
    """Class sensitivity: one method, a map for each of two labels."""
    metric, probes = _metric("class_sensitivity"), part(exhibit.probes, [0])
    page.heading(top, metric.title, "Asked for one of two labels, does it point at that label's mark?")
    top += 0.3
    page.picture(0.1, top, SIZE, probes.image[0], "with two marks")
    relevance = exhibit.relevance("lrp_epsilon")[:1]
    share, _ = share_inside(relevance, probes.inside)
    names = []
    for which, colour in enumerate(COLOURS):
        names.append(f"label {int(probes.target[0, which])}")
        caption = f"LRP-ε for {names[-1]}: {share[0, which].item():.2f}"
        mask = probes.inside[0, which]
        page.map(0.1 + (which + 1) * STEP, top, SIZE, relevance[0, which], caption, mask=mask, frame=colour)
    axes = page.axes(*_diagram_box(top))
    _stacked(axes, names, share[0], "share of R⁺ in its corner")
    _bars(page, top, exhibit, metric)


def _first(exhibit: Exhibit, titles: Sequence[str]) -> Iterator[tuple[Tensor, str]]:
    """R⁺ of the first picture, ``[1,1,H,W]``, and a colour, for each title."""
    for title, colour in zip(titles, COLOURS, strict=False):
        yield positive(exhibit.relevance(*COMPARED[title])[:1]), colour


def _shares(axes: Any, exhibit: Exhibit, titles: Sequence[str]) -> None:
    inside = part(exhibit.probes, [0]).inside
    shares = torch.cat([share_inside(each, inside)[0][0] for each, _ in _first(exhibit, titles)])
    _stacked(axes, titles, shares, "share of R⁺ in the green band")


def _box_shares(axes: Any, exhibit: Exhibit, titles: Sequence[str]) -> None:
    box = bounding_box(part(exhibit.probes, [0]).inside)
    shares = torch.cat([share_inside(each, box)[0][0] for each, _ in _first(exhibit, titles)])
    _stacked(axes, titles, shares, "share of R⁺ in the green box")


def _stacked(axes: Any, names: Sequence[str], shares: Tensor, caption: str) -> None:
    """All of a map as a bar, the part inside in colour."""
    for place, (share, colour) in enumerate(zip(shares.tolist(), COLOURS, strict=True)):
        axes.barh(-place, 1, height=0.5, color="#dddddd")
        axes.barh(-place, share, height=0.5, color=colour)
        beside = share if share < 0.3 else 0
        axes.text(beside + 0.03, -place, f"{share:.2f}", va="center", fontsize=SMALL, color=DARK if beside else "white")
    axes.set(yticks=[0, -1], yticklabels=names, xticks=[0, 1], xlim=(0, 1), ylim=(-1.6, 0.6))
    axes.set_xlabel(caption, fontsize=SMALL, labelpad=1)


def _filling(axes: Any, exhibit: Exhibit, titles: Sequence[str]) -> None:
    """The mark's pixels, brightest first, in units of the brightest: the area is the score."""
    inside = part(exhibit.probes, [0]).inside > 0
    for each, colour in _first(exhibit, titles):
        values = unit_peak(each * inside)[inside].sort(descending=True).values.tolist()
        shade(axes, [place / len(values) for place in range(len(values) + 1)], [*values, 0], colour, "post")
    axes.set(xlim=(0, 1), ylim=(0, 1.05), xticks=[0, 1], yticks=[0, 1], yticklabels=["0", "peak"])
    axes.set_xlabel("the mark's pixels, brightest first", fontsize=SMALL, labelpad=1)


def _precision(axes: Any, exhibit: Exhibit, titles: Sequence[str]) -> None:
    """Precision over recall: the area is the score."""
    inside = part(exhibit.probes, [0]).inside
    for each, colour in _first(exhibit, titles):
        order, first = ascending(each)
        hit = inside.flatten(2).gather(2, order)
        below = (hit.cumsum(2) - hit).gather(2, first)  # of equal pixels all are found together
        found = inside.sum() - below
        precision, recall = found / (order.shape[2] - first), found / inside.sum()
        shade(axes, [0, *recall.flatten().flip(0).tolist()], [1, *precision.flatten().flip(0).tolist()], colour, "pre")
    axes.set(xlim=(0, 1), ylim=(0, 1.05), xticks=[0, 1], yticks=[0, 1])
    axes.set_xlabel("share of the mark found", fontsize=SMALL, labelpad=1)
    axes.set_ylabel("precision", fontsize=SMALL, labelpad=-4)


def _ranks(axes: Any, exhibit: Exhibit, titles: Sequence[str]) -> None:
    """Each pixel's place by the map against its place by the truth."""
    truth = part(exhibit.probes, [0]).soft_ranks
    for each, colour in _first(exhibit, titles):
        axes.scatter(truth.flatten(), average_ranks(each).flatten(), s=1.5, color=colour, alpha=0.5, linewidths=0)
    axes.plot([1, truth.max()], [1, truth.max()], color=GREY, linewidth=1, linestyle=(0, (3, 2)))
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel("rank in the truth", fontsize=SMALL, labelpad=2)
    axes.set_ylabel("rank in the map", fontsize=SMALL, labelpad=2)
