"""A table as papers and pages have it: LaTeX with booktabs' rules, and GitHub's markdown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from peephole.cli.escapes import latex, markdown
from peephole.cli.streams import say
from peephole.errors import PeepholeError

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class PaperTable:
    """A table of texts.

    Attributes:
        caption: what a reader needs to know of it.
        headings: of the columns.
        left: which columns are aligned left; the others right.
        rows: a text a column each.
        bold: (row, column) of the texts that are.
        slanted: rows that are.
    """

    caption: str
    headings: tuple[str, ...]
    left: frozenset[str]
    rows: tuple[tuple[str, ...], ...]
    bold: frozenset[tuple[int, int]] = frozenset()
    slanted: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.headings) for row in self.rows):
            raise ValueError("a row has not as many texts as there are headings")


class Form(StrEnum):
    """How a table is printed for papers and pages."""

    LATEX = "latex"
    MARKDOWN = "markdown"


Latex = Annotated[bool, typer.Option("--latex", help="Print the table as LaTeX, for papers (package booktabs).")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print the table as GitHub's markdown.")]


def form_of(*, as_json: bool, as_latex: bool, as_markdown: bool) -> Form | None:
    """What is asked for; None for neither.

    Raises:
        PeepholeError: two forms at once.
    """
    if as_json + as_latex + as_markdown > 1:
        raise PeepholeError("--json, --latex and --markdown exclude each other; give one.")
    return Form.LATEX if as_latex else Form.MARKDOWN if as_markdown else None


def print_table(table: PaperTable, form: Form) -> None:
    """Print it on standard output."""
    say(in_latex(table) if form is Form.LATEX else in_markdown(table))


def in_latex(table: PaperTable) -> str:
    """A ``table`` environment; the caption is above, as most styles want it."""
    columns = "".join("l" if heading in table.left else "r" for heading in table.headings)
    styler = _frame(table, latex, r"\textbf{%s}", r"\textit{%s}").style.hide(axis="index")
    text: str = styler.to_latex(
        hrules=True, column_format=columns, caption=latex(table.caption), position="t", position_float="centering"
    )
    return text.rstrip("\n")


def in_markdown(table: PaperTable) -> str:
    """A table with the caption below."""
    frame = _frame(table, markdown, "**%s**", "*%s*")
    align = ["left" if heading in table.left else "right" for heading in table.headings]
    text = frame.to_markdown(
        index=False, tablefmt="pipe", colalign=align if len(frame) else None, disable_numparse=True
    )
    return f"{text}\n\n{markdown(table.caption)}"


def _frame(table: PaperTable, escape: Callable[[str], str], bold: str, slanted: str) -> DataFrame:
    """The texts, escaped and marked."""
    import pandas as pd

    def marked(row: int, column: int, text: str) -> str:
        text = escape(text)
        if not text:
            return text
        text = bold % text if (row, column) in table.bold else text
        return slanted % text if row in table.slanted else text

    rows = [[marked(number, column, text) for column, text in enumerate(row)] for number, row in enumerate(table.rows)]
    return pd.DataFrame(rows, columns=[escape(heading) for heading in table.headings], dtype=object)
