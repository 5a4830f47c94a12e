"""Metrics that feed a map, or what it keeps of the picture, back to the network; and whether a map looks like it."""

from __future__ import annotations

from typing import Any

import torch
from exhibit import Exhibit, Finished, part
from film import NO, YES
from page import GREY, ONE, OTHER, SMALL, Page
from torch import Tensor

from peephole.leaderboard.base import CALIBRATION, METRICS, MapMetric
from peephole.leaderboard.key_information import KeyInformation

SIZE = 1.15
FED = {
    "kis": "R̃: the map, with the range of x",
    "insertion": "x where R is above its mean",
    "insertion_abs": "x where |R| is above its mean",
}
SHOWN = {"Guided BP": "guided_backprop", "noise": "random"}
COMPARED = {
    "oracle": "oracle",
    "Guided BP": "guided_backprop",
    "LRP-ε": "lrp_epsilon",
    "gradient": "gradient",
    "edges": "edges",
    "centre": "centre",
    "constant": "constant",
    "random": "random",
}


def draw(run: Finished) -> Page:
    """Two maps: what is fed back, what the last layer adds up, S. Then input alignment, then averages."""
    exhibit = run.exhibit("square")
    page = Page(10.15)
    page.heading(0.06, "KIS, Insertion, Insertion (ABS)", "Is what the map shows enough for the same decision?")
    page.write(
        0.1,
        0.32,
        "Diagrams: what each feature of the last layer adds to the decision. Grey (v A): with the picture. Orange line "
        "(v* A*): with what is fed\nback. S = 1 − orange area / grey area. Border and label: what the network decides.",
        linespacing=1.4,
    )
    for row, (title, method) in enumerate(SHOWN.items()):
        _fed_back(page, 0.78 + row * 2.88, exhibit, title, method)
    _alignment(page, 6.6, exhibit)
    count = len(exhibit.probes.image)
    page.write(
        4.5,
        8.38,
        f"mean of {count} pictures; dashed is chance (in the first three, a constant map is invalid)",
        9,
        ha="center",
    )
    for column, name in enumerate((*FED, "input_alignment")):
        metric = _metric(name)
        scores = {title: metric.score(_maps(exhibit, method), exhibit.probes) for title, method in COMPARED.items()}
        means = {title: one.value.mean().item() for title, one in scores.items()}
        box = (0.85 + column * 2.12, 8.8, 1.45, 1.28)
        axes = page.bars(box, means, scores["random"].chance.mean().item())
        axes.set_title("KIS" if name == "kis" else metric.title, fontsize=9, pad=2)
        if column:
            axes.set(yticks=[])
    return page


def _metric(name: str) -> MapMetric:
    metric = METRICS[name]()
    assert isinstance(metric, MapMetric)
    return metric


def _maps(exhibit: Exhibit, method: str) -> Tensor:
    """Maps at the input that keep their channels, ``[N,T,c,H,W]``."""
    return exhibit.relevance(method).unsqueeze(2) if method in CALIBRATION else exhibit.maps(method).double()


def _fed_back(page: Page, top: float, exhibit: Exhibit, title: str, method: str) -> None:
    probes, maps = part(exhibit.probes, [0]), _maps(exhibit, method)[:1]
    network, normalise = exhibit.examined, exhibit.poisoned.normalise
    target = int(probes.target[0, 0])
    page.picture(0.1, top + 0.22, SIZE, probes.image[0], f"x: label {target}", frame=YES)
    page.map(0.1, top + 0.22 + SIZE + 0.26, SIZE - 0.2, maps[0, 0].sum(dim=0), f"R: {title}")
    whole = probes.weighted_features[0]
    order = whole.argsort(descending=True)
    for column, (name, what) in enumerate(FED.items()):
        metric = _metric(name)
        assert isinstance(metric, KeyInformation)
        key = metric.key(maps[:, 0], network.normalise(probes.image).double())[0].float()
        alone = network.weighted_features(key)[0]
        score = metric.measure(maps, probes)[0].item()
        with torch.inference_mode():
            label = int(network.network(key).argmax(dim=1))
        left = 1.75 + column * 2.48
        short = "KIS" if name == "kis" else metric.title
        page.write(left, top, f"{short}: S = {score:.2f}", 9, weight="bold")
        page.picture(
            left, top + 0.22, SIZE, (key * normalise.std + normalise.mean)[0], f"label {label}",
            frame=YES if label == target else NO,
        )  # fmt: skip
        page.write(left + SIZE + 0.1, top + 0.6, "\n".join(_lines(what)), color=GREY, linespacing=1.4)
        _features(page.axes(left + 0.15, top + 0.22 + SIZE + 0.28, 2.05, 0.92), whole[order], alone[order])


def _lines(text: str) -> list[str]:
    """Two or three words a line."""
    words = text.split()
    return [" ".join(words[begin : begin + 3]) for begin in range(0, len(words), 3)]


def _features(axes: Any, whole: Tensor, alone: Tensor) -> None:
    """What each feature adds to the decision, and the difference that S counts."""
    places = torch.arange(len(whole))
    axes.fill_between(places, whole, color="#bbbbbb", step="mid", linewidth=0)
    axes.fill_between(places, whole, alone, color=OTHER, alpha=0.45, step="mid", linewidth=0)
    axes.step(places, alone, where="mid", color=OTHER, linewidth=1)
    axes.axhline(0, color=GREY, linewidth=0.6)
    reach = whole.abs().max().item()
    axes.set(xticks=[], ylim=(-0.4 * reach, 1.5 * reach), xlim=(0, len(whole) - 1), yticks=[0])
    axes.set_xlabel("features, largest first", fontsize=SMALL, labelpad=1)
    axes.spines["bottom"].set_visible(False)


def _alignment(page: Page, top: float, exhibit: Exhibit) -> None:
    probes, metric = part(exhibit.probes, [0]), _metric("input_alignment")
    page.heading(top, metric.title, "Does the map look like the picture? (It describes a method, and is no merit.)")
    top += 0.3
    x = exhibit.examined.normalise(probes.image).double()[0].sum(dim=0)
    page.picture(0.1, top, SIZE, probes.image[0], "the picture")
    page.map(0.1 + SIZE + 0.2, top, SIZE, x, "x, channels summed", frame=ONE)
    for place, title in enumerate(("Guided BP", "LRP-ε", "gradient", "edges"), start=2):
        maps = _maps(exhibit, COMPARED[title])[:1]
        caption = f"{title}: {metric.score(maps, probes).value.item():.2f}"
        page.map(0.1 + place * (SIZE + 0.2), top, SIZE, maps[0, 0].sum(dim=0), caption)
