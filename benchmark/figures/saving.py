"""Figures as files: whole or not at all, and the same bytes each time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from peephole._version import __version__
from peephole.errors import PeepholeError
from peephole.figures.base import Drawing
from peephole.files import write_atomically

DOTS = 300
"""An inch, of what has dots."""


def format_of(path: Path) -> str:
    """The format that a file's suffix names.

    Raises:
        PeepholeError: there is no such format.
    """
    name = path.suffix.lower().removeprefix(".")
    if name not in _METADATA:
        known = ", ".join(f".{each}" for each in _METADATA)
        raise PeepholeError(f"{path} names no format that figures have; let it end in one of: {known}.")
    return name


def save(drawing: Drawing, path: Path, title: str, dots: int = DOTS) -> None:
    """Write a drawing; fonts are embedded, there is no date in it, and what the caption says is in the file, too.

    Raises:
        PeepholeError: the suffix names no format, or the file cannot be written.
    """
    name = format_of(path)
    metadata = _METADATA[name](title, drawing.caption)
    try:
        write_atomically(path, partial(_write, drawing=drawing, name=name, metadata=metadata, dots=dots))
    except OSError as error:
        raise PeepholeError(f"cannot write {path} ({error.strerror}); choose another place with --out.") from error


def _write(path: Path, *, drawing: Drawing, name: str, metadata: dict[str, Any], dots: int) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if name == "eps":
        _make_opaque(drawing)
    FigureCanvasAgg(drawing.figure).print_figure(path, format=name, dpi=dots, metadata=metadata)
    if name == "eps":  # matplotlib writes the moment and the name of the temporary file
        path.write_bytes(re.sub(rb"(?m)^%%(CreationDate|Title):.*\n", b"", path.read_bytes()))


def _make_opaque(drawing: Drawing) -> None:
    """PostScript has no transparency: what is seen through is drawn in the colour that it has on white."""
    from matplotlib.artist import Artist
    from matplotlib.colors import to_rgb

    def is_transparent(artist: Artist) -> bool:
        alpha = artist.get_alpha()
        return isinstance(alpha, float) and alpha < 1

    for artist in drawing.figure.findobj(is_transparent):
        alpha = artist.get_alpha()
        assert isinstance(alpha, float)
        for part in ("facecolor", "edgecolor", "color"):
            if hasattr(artist, f"get_{part}"):
                colour = getattr(artist, f"get_{part}")()
                colours = colour if getattr(colour, "ndim", 1) == 2 else [colour]
                blended = [tuple(1 - alpha * (1 - each) for each in to_rgb(one)) for one in colours]
                artist.set(alpha=None, **{part: blended if len(blended) != 1 else blended[0]})


def _pdf(title: str, caption: str) -> dict[str, Any]:
    return {"Title": title, "Subject": caption, "Creator": f"peephole {__version__}", "CreationDate": None}


def _svg(title: str, caption: str) -> dict[str, Any]:
    return {"Title": title, "Description": caption, "Creator": f"peephole {__version__}", "Date": None}


def _eps(title: str, caption: str) -> dict[str, Any]:
    return {"Creator": f"peephole {__version__}"}


def _png(title: str, caption: str) -> dict[str, Any]:
    return {"Title": title, "Description": caption, "Software": f"peephole {__version__}"}


_METADATA: Mapping[str, Callable[[str, str], dict[str, Any]]] = MappingProxyType(
    {"pdf": _pdf, "svg": _svg, "eps": _eps, "png": _png}
)
