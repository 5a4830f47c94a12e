"""The figure of an explanation; torch-free."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from peephole.explaining.tiles import GAP, Tile, as_picture, as_shown, draw_row, spread
from peephole.figures.base import Drawing

if TYPE_CHECKING:
    from peephole.explaining.explanation import AtLayer, Attributed, Explanation

TILE = 0.7
"""Inches of a tile, at least."""
MOST = 24
"""Layers that are shown, at most."""
SMALL = 6.0
"""Points of the text."""
ABOVE, BELOW = 0.36, 0.4
"""Inches around a row: three lines of text above, and three below."""
LETTER = 0.6
"""Width of a letter to the size of the text, at most."""
ROLES = {"decision": "decision", "target": "target", "label": "true label"}
TITLE = "What of a picture a network still uses, layer by layer"


def draw_explanation(found: Explanation, width: float) -> Drawing:
    """The picture, a map a layer, and the attributions by the whole network, ``width`` inches wide.

    To be called inside `peephole.figures.style.paper_style`.
    """
    from matplotlib.figure import Figure

    chosen = [found.layers[place] for place in spread(len(found.layers), MOST)]
    count = 1 + len(chosen) + len(found.attributions)
    columns = math.ceil(count / math.ceil(count / max(3, int(width / (TILE + GAP)))))  # rows of about the same length
    side = (width + GAP) / columns - GAP
    letters = int(side * 72 / (LETTER * SMALL))
    tiles = [_picture(found, letters), *(_layer(one, found, letters) for one in chosen)]
    tiles += [_whole(one, letters) for one in found.attributions]
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    figure = Figure(figsize=(width, len(rows) * (ABOVE + side + BELOW)))
    for number, row in enumerate(rows):
        draw_row(figure, row, number * (ABOVE + side + BELOW) + ABOVE, side, size=SMALL)
    return Drawing(figure, _caption(found, len(chosen)))


def _picture(found: Explanation, letters: int) -> Tile:
    names = {one.label: one.name for one in found.attributions}
    above = "the picture" if found.truth is None else f"the picture: {names[found.truth]}"
    below = f"decided: {found.decision.name} ({found.decision.probability:.0%})"
    return Tile(as_shown(found.image / 255), _wrapped(above, letters), _wrapped(below, letters))


def _layer(one: AtLayer, found: Explanation, letters: int) -> Tile:
    below = f"picture {one.alignment:.2f}\nbefore {one.kept:.2f}"
    return Tile(as_picture(one.map), _wrapped(one.layer, letters), below, one is found.most_lost)


def _whole(one: Attributed, letters: int) -> Tile:
    above = _wrapped(f"{ROLES[one.role]}: {one.name}", letters)
    return Tile(as_picture(one.map), above, f"picture {one.alignment:.2f}")


def _wrapped(text: str, letters: int) -> str:
    return "\n".join(textwrap.wrap(text, letters, max_lines=3, placeholder=" …"))


def _caption(found: Explanation, shown: int) -> str:
    decision = found.decision
    is_wrong = found.truth is not None and found.truth != decision.label
    names = {one.label: one.name for one in found.attributions}
    truth = "" if found.truth is None else f", {'wrongly: it is' if is_wrong else 'rightly:'} {names[found.truth]}"
    some = "" if shown == len(found.layers) else f" {shown} of {len(found.layers)} layers are shown."
    ends = ", ".join(f"{one.name} ({ROLES[one.role]})" for one in found.attributions)
    return (
        f"{found.picture}, decided {decision.name} with {decision.probability:.0%} by {found.network}{truth}. From the "
        f"left: the picture; each layer's activation, sent back to the input by {found.method}: what of the picture is "
        f"still used up to that layer; then {found.method} of the whole network for {ends}. Each map from its lowest "
        f"value, black, to its highest, white, its colours as they are.{some} Numbers: cosine of the map with the "
        "picture as the network gets it, and with the map before. Bold, where most is lost: "
        f"{found.most_lost.layer}."
    )
