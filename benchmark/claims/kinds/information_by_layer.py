"""P2, section V-A and figure 7: what of the picture the network still uses, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.resampling import draw, rank_correlation
from peephole.explaining.tiles import Tile, as_picture, as_shown, draw_row, spread
from peephole.figures.bands import line
from peephole.figures.style import GREY
from peephole.leaderboard.bootstrap import mean_interval
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion
from peephole.units.layer_information import Information, LayerInformation, information_unit, read_information

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

Values = NDArray[np.float64]
METHOD = "guided_backprop"
TREND = 0.3
"""A rank correlation that matters."""
FEWEST = 3
"""Layers that have a trend, at least."""
MOST = 9
"""Layers whose maps are shown, at most."""
LINES = MappingProxyType(
    {
        "map and picture": "alignment",
        "map and attribution of the decision": "attribution",
        "share of the map that is not grey": "colour",
    }
)
TALL, ABOVE, BELOW, LEFT, ABOVE_TILES, BESIDE = 1.5, 0.12, 0.25, 0.45, 0.27, 0.5
"""Inches of the axes, around them, above tiles, and above and below tiles together."""


@CLAIMS.register
class InformationByLayer(Claim):
    """On wrong decisions, maps from successive layers' activations lose the picture and near the attribution."""

    number: ClassVar[int] = 13
    title: ClassVar[str] = "Layer by layer, a wrong decision's picture gives way to what the decision was made of"
    source: ClassVar[str] = "P2 (alignment), section V-A, figure 7"
    statement: ClassVar[str] = (
        "A layer's activation, sent back to the input in the place of what arrives there, shows what of the picture is "
        "still used up to that layer. From layer to layer colour and background fade, and what is left becomes "
        "what the attribution of the whole network shows."
    )
    measured: ClassVar[str] = (
        "Test pictures that the clean models get wrong. Each layer's activation is sent back by Guided Backprop to the "
        "input; the map is compared with the picture as the network gets it, and with Guided Backprop of the decision "
        "through the whole network. All layers but the input itself."
    )
    test: ClassVar[str] = "Spearman's ρ of layer and number for each picture, and the mean over pictures and models."
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "fades",
            "The higher the layer, the less its map is like the picture.",
            "ρ of layer and cosine of map and picture, −1 to 1",
            Criterion("below", -TREND),
        ),
        Expectation(
            "colour",
            "The higher the layer, the less colour its map has.",
            "ρ of layer and the share of the map's energy that is not grey, −1 to 1",
            Criterion("below", -TREND),
        ),
        Expectation(
            "nears",
            "The higher the layer, the more its map is like the whole network's attribution.",
            "ρ of layer and cosine of map and attribution, −1 to 1",
            Criterion("above", TREND),
        ),
        Expectation(
            "aligned",
            "Even the last layer's map is more like the picture than the attribution is.",
            "cosine with the picture, last layer's map minus attribution, −2 to 2",
            Criterion("above"),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """One of each clean model."""
        return _units(study)

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim.examine`."""
        found = _found(study)
        if not found:
            return {one.name: "no clean model gets a test picture wrong" for one in self.expectations}
        if len(found[0].layers) < FEWEST:
            return {one.name: f"the network has fewer than {FEWEST} layers" for one in self.expectations}
        return {name: self._answer(name, found) for name in NUMBERS}

    def draw(self, study: Study, width: float) -> Drawing | None:
        """Two wrong decisions as in figure 7, then the means over all of them."""
        found = _found(study)
        return _figure(study, found, width) if found else None

    def _answer(self, name: str, found: Sequence[Information]) -> Estimate | str:
        values = [NUMBERS[name](one.arrays) for one in found]
        values = [each[~np.isnan(each)] for each in values]
        values = [each for each in values if len(each)]
        if not values:
            return "every picture has a layer whose map is zero"
        draws = draw({"wrong": [len(each) for each in values]}, "information by layer")
        return draws.estimate(draws.means("wrong", np.concatenate(values)), self.level)


NUMBERS: Mapping[str, Callable[[Mapping[str, Values]], Values]] = MappingProxyType(
    {
        "fades": lambda arrays: rank_correlation(arrays["alignment"]),
        "colour": lambda arrays: rank_correlation(arrays["colour"]),
        "nears": lambda arrays: rank_correlation(arrays["attribution"]),
        "aligned": lambda arrays: arrays["alignment"][-1] - arrays["whole_alignment"][0],
    }
)
"""Of each picture; NaN where a map is zero."""


def _units(study: Study) -> list[LayerInformation]:
    pictures = study.extent.pictures
    return [information_unit(model, METHOD, pictures=pictures, seed=model.spec["seed"]) for model in study.clean_models]


def _found(study: Study) -> list[Information]:
    return [read_information(unit, study.workspace) for unit in _units(study) if study.has(unit)]


def _figure(study: Study, found: Sequence[Information], width: float) -> Drawing:
    from matplotlib.figure import Figure

    from peephole.explaining.tiles import GAP
    from peephole.figures.bands import Key
    from peephole.figures.base import Drawing

    first, key = found[0], Key(list(LINES), width)
    columns = spread(len(first.layers), MOST)
    tall = width / (len(columns) + 3) - GAP
    examples = first.arrays["maps"].shape[1]
    rows = examples * (tall + BESIDE)
    height = rows + ABOVE + TALL + BELOW + key.height
    figure = Figure(figsize=(width, height))
    classes = study.workspace.dataset(study.clean_models[0].spec["dataset"]).classes
    for number in range(examples):
        draw_row(figure, _tiles(first, number, columns, classes), number * (tall + BESIDE) + ABOVE_TILES, tall)
    axes = figure.add_axes((LEFT / width, (key.height + BELOW) / height, (width - LEFT - 0.1) / width, TALL / height))
    for number, (name, array) in enumerate(LINES.items()):
        line(axes, number, name, np.arange(len(first.layers), dtype=np.float64), *_band(found, array))
    axes.set_xticks(range(len(first.layers)), first.layers)
    axes.set_ylabel("cosine, share")
    axes.axhline(0, color=GREY, linewidth=0.5, zorder=0)
    key.draw(figure, [axes])
    count = sum(one.arrays["index"].size for one in found)
    left_out = "" if len(columns) == len(first.layers) else f" {len(columns)} of {len(first.layers)} layers are shown."
    caption = (
        f"{study.plan.suite.model} on {study.plan.suite.dataset.name}: what of a picture that is decided wrongly the "
        "network still uses. Above, the picture and its label, what each layer's activation gives when it is sent back "
        "to the input by Guided Backprop, and Guided Backprop of the whole network for its decision and for the label; "
        f"each map from its lowest value, black, to its highest, white, its colours as they are.{left_out} Below each, "
        "its cosine with the picture as the network gets it. The pictures are the first two of a random order. At the "
        f"bottom, means over {count} wrong decisions of {len(found)} models, with 95 % intervals over models and "
        "pictures: cosine of map and picture, of map and the attribution of the decision, and the share of the map's "
        "energy that is not grey."
    )
    return Drawing(figure, caption)


def _tiles(one: Information, number: int, columns: Sequence[int], classes: Sequence[str]) -> list[Tile]:
    """The picture, the maps of layers, and both attributions."""
    arrays = one.arrays
    maps = arrays["maps"][:, number]
    names = [classes[int(arrays[kind][number])] for kind in ("decision", "label")]
    whole = [f"{share:.2f}" for share in arrays["whole_alignment"][:, number]]
    return [
        Tile(as_shown(arrays["shown"][number]), names[1], "cosine →"),
        *(
            Tile(as_picture(maps[layer]), one.layers[layer], f"{arrays['alignment'][layer, number]:.2f}")
            for layer in columns
        ),
        *(
            Tile(as_picture(maps[place - 2]), f"{kind}:\n{name}", value)
            for place, (kind, name, value) in enumerate(zip(("decision", "label"), names, whole, strict=True))
        ),
    ]


def _band(found: Sequence[Information], array: str) -> tuple[Values, Values, Values]:
    """Means ``[L]`` and their 95 % interval over pictures and models; NaN where a layer's maps are all zero."""
    ends = []
    for layer in range(len(found[0].layers)):
        own = [one.arrays[array][layer] for one in found]
        there = [values[~np.isnan(values)] for values in own]
        there = [values for values in there if len(values)]
        ends.append(mean_interval(there, "information by layer") if there else (np.nan,) * 3)
    mean, low, high = np.array(ends, dtype=np.float64).T
    return mean, low, high
