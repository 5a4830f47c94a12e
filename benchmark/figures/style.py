"""How figures look: small sans-serif text, thin lines, colours that everybody can tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

COLOURS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
"""Petroff's ten, "Accessible color sequences for data visualization" (2021)."""
MARKERS = "os^DvP<X>*"
DASHES = ("solid", (0, (4, 1.5)), (0, (1, 1)))
GREY = "#606060"
SMALL = 6.5
"""Points of the smallest text."""

_LOOK: Any = MappingProxyType(
    {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same everywhere
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.labelsize": 7.5,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "xtick.major.pad": 2,
        "ytick.major.pad": 2,
        "axes.labelpad": 2,
        "axes.titlepad": 4,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 1.0,
        "lines.markersize": 3.2,
        "legend.frameon": False,
        "text.parse_math": False,  # names may have dollars
        "image.composite_image": False,  # each map remains an image of its own
        "pdf.fonttype": 42,  # TrueType: journals refuse Type 3
        "ps.fonttype": 42,
        "svg.hashsalt": "peephole",  # else names within the file are drawn by chance
    }
)


@contextmanager
def paper_style() -> Iterator[None]:
    """The look, while figures are drawn and saved; the user's own settings before and after."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_LOOK)
        yield


def line_style(number: int) -> dict[str, Any]:
    """Colour, marker and dashes of the ``number``-th line; thirty are told apart."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": DASHES[number // len(COLOURS) % len(DASHES)],
    }
