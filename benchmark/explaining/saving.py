"""An explanation as a file."""

from __future__ import annotations

from pathlib import Path

from peephole.explaining.drawing import TITLE, draw_explanation
from peephole.explaining.explanation import Explanation
from peephole.figures.saving import save
from peephole.figures.style import paper_style


def save_explanation(found: Explanation, path: Path, width: float) -> str:
    """Draw an explanation and write it; the suffix names the format.

    Returns:
        The figure's caption.

    Raises:
        PeepholeError: the suffix names no format, or the file cannot be written.
    """
    with paper_style():
        drawing = draw_explanation(found, width)
        save(drawing, path, TITLE)
    return drawing.caption
