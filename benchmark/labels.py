"""Long names on short lines."""

from __future__ import annotations

import re

_PIECES = re.compile(r"[^_(,:=\s]*[_(,:=\s]*")


def file_name(text: str) -> str:
    """A name for a file that goes with a text: ``dynamic-kind-ban`` for ``dynamic(kind='ban')``."""
    return re.sub(r"[^\w.]+", "-", text).strip("-")


def broken(text: str, width: int) -> list[str]:
    """The lines of a method's text, broken after ``_``, ``(``, ``,``, ``:``, ``=`` or a blank; nothing is cut.

    Args:
        text: what to write.
        width: most characters a line, at least 1; a longer piece is broken where the line ends.
    """
    pieces = [piece[start : start + width] for piece in _PIECES.findall(text) for start in range(0, len(piece), width)]
    lines = [""]
    for piece in pieces:
        if len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]
