"""Any text as LaTeX and as markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_LATEX: Mapping[int, str] = MappingProxyType(
    str.maketrans(
        {
            "\\": r"\textbackslash{}",
            "&": r"\&",
            "%": r"\%",
            "$": r"\$",
            "#": r"\#",
            "_": r"\_",
            "{": r"\{",
            "}": r"\}",
            "~": r"\textasciitilde{}",
            "^": r"\textasciicircum{}",
            "<": r"\textless{}",
            ">": r"\textgreater{}",
            "|": r"\textbar{}",
            "`": r"\textasciigrave{}",
            "[": "{[}",
            "]": "{]}",
            "\n": " ",
            "\r": " ",
            "–": r"\textendash{}",
            "—": r"\textemdash{}",
            "−": "$-$",
            "↑": r"$\uparrow$",
            "↓": r"$\downarrow$",
            "†": r"$\dagger$",
            "×": r"$\times$",
            "…": r"\ldots{}",
            "α": r"$\alpha$",
            "β": r"$\beta$",
            "ε": r"$\varepsilon$",
            "\u00a0": "~",
        }
    )
)
_MARKDOWN: Mapping[int, str] = MappingProxyType(
    str.maketrans({each: f"\\{each}" for each in "\\|*_`[]<>~#$"} | {"\n": " ", "\r": " ", "&": "&amp;"})
)
_MINUS = re.compile(r"(?<![^\s\[(])-(?=[\d.])")
"""Of a negative number."""
_HYPHENS = re.compile(r"-(?=-)")
"""Which would become a dash."""


def latex(text: str) -> str:
    """``text`` as it stands in a LaTeX table: what is special is escaped, symbols are commands of plain LaTeX.

    Other letters beyond ASCII stay: LaTeX has read UTF-8 since 2018.
    """
    escaped = _MINUS.sub("−", text).translate(_LATEX)
    return _HYPHENS.sub("-{}", escaped) if "--" in text else escaped


def markdown(text: str) -> str:
    """``text`` as it stands in a cell of GitHub's markdown: nothing in it is markup, and no ``|`` ends the cell."""
    return text.translate(_MARKDOWN)
