"""``peephole compare``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from peephole.cli.flags import Folder, InFolder, Json, results_folder
from peephole.cli.paper_table import Latex, Markdown
from peephole.errors import PeepholeError
from peephole.texts.tokens import split

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from peephole.cli.paper_table import PaperTable
    from peephole.leaderboard.alignment import Row
    from peephole.leaderboard.comparison import Comparison, Report
    from peephole.leaderboard.stored_board import StoredBoard

NUMBERS = frozenset(("A", "B", "A − B", "p"))
"""Headings of columns of numbers."""


def compare_command(
    a: Annotated[str, typer.Argument(metavar="A", help="METHOD or METHOD@LAYER; or a board: a folder or a CSV file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="What to compare it with, of the same kind.")],
    folder: Folder = None,
    out: InFolder = None,
    metrics: Annotated[
        str | None, typer.Option(help="Only these metrics besides the score, separated by commas; all if not given.")
    ] = None,
    every_layer: Annotated[
        bool, typer.Option("--all", help="Two boards: every layer, not only the best ones.")
    ] = False,
    as_json: Json = False,
    as_latex: Latex = False,
    as_markdown: Markdown = False,
) -> None:
    """Say which differences between two methods, or two boards, are shown, and which are not.

    A is *better*, *worse* or *not separable*, by the score and by each metric. Methods are compared on the same
    pictures, at their best layers unless METHOD@LAYER names another. Of two boards of the same suite and data, each
    method that both have is compared with itself. P-values are corrected (Holm) for all comparisons made: naming few
    metrics leaves more to be shown.

    Examples:

    - `peephole compare grad_cam score_cam`
    - `peephole compare gradient@input "tif(deeplift, 0.9)" results`
    - `peephole compare results/before results/after --metrics completeness`
    - `peephole compare before/leaderboard.csv after/leaderboard.csv --json`
    - `peephole compare grad_cam score_cam --markdown`
    """
    from peephole.cli.paper_table import form_of, print_table
    from peephole.leaderboard.compare import compare_boards, compare_rows
    from peephole.leaderboard.row_names import find_row

    form = form_of(as_json=as_json, as_latex=as_latex, as_markdown=as_markdown)
    if metrics is not None and not split(metrics):
        raise PeepholeError("--metrics names none; give some, as in --metrics completeness, or leave it out.")
    chosen = split(metrics or "")
    named = folder or out
    if named is None and _is_board(a) and _is_board(b):
        names = (a, b)
        report = compare_boards(_board(Path(a)), _board(Path(b)), chosen, every_layer=every_layer)
    else:
        _refuse_mixture(a, b, named)
        board = _board(results_folder(folder, out))
        rows = find_row(board, a), find_row(board, b)
        names = (_name(rows[0]), _name(rows[1]))
        report = compare_rows(board, *rows, chosen)
    if as_json:
        from peephole.cli.tables import print_json

        print_json(_json(report))
    elif form is not None:
        print_table(_paper_table(report, *names), form)
    else:
        from peephole.cli.streams import console

        print_report(report, *names, console())


def _board(path: Path) -> StoredBoard:
    from peephole.leaderboard.stored_board import open_board
    from peephole.store.folder import open_folder

    return open_board(path if path.is_file() or path.suffix == ".csv" else open_folder(path, create=False))


def _is_board(text: str) -> bool:
    return text.endswith(".csv") or Path(text).exists()


def _refuse_mixture(a: str, b: str, folder: Path | None) -> None:
    """Refuse one board and one method."""
    if folder is None and _is_board(a) != _is_board(b):
        board, other = (a, b) if _is_board(a) else (b, a)
        raise PeepholeError(
            f"{board} is a board and {other} is neither a folder nor a file; give two boards, or two methods and DIR."
        )


def print_report(report: Report, a: str, b: str, screen: Console) -> None:
    """Print a comparison for people: of many pairs of rows all scores, and of the metrics what is separable."""
    shown = _shown(report)
    title = f"A: {a}\nB: {b}"
    table = _table(shown, title, _caption(report, [each for _, each in shown]), named=_is_of_boards(report))
    screen.print(table, crop=False)
    for name, only in (("A", report.only_a), ("B", report.only_b)):
        if only:
            screen.print(f"\nOnly on {name}: {', '.join(_name(row) for row in only)}.", markup=False)


def _shown(report: Report) -> list[tuple[Row, Comparison]]:
    several = len(report.pairs) > 1
    return [
        (pair.a, comparison)
        for pair in report.pairs
        for comparison in pair.comparisons
        if not several or comparison.measure == "score" or comparison.verdict != "not separable"
    ]


def _is_of_boards(report: Report) -> bool:
    return any(pair.a == pair.b for pair in report.pairs)


def _table(lines: list[tuple[Row, Comparison]], title: str, caption: str, *, named: bool) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), caption=Text(caption), header_style="bold", box=SIMPLE_HEAD)
    table.title_justify = table.caption_justify = "left"
    for heading in _headings(named=named):
        table.add_column(heading, justify="right" if heading in NUMBERS else "left")
    for row, each in lines:
        # Names may have brackets, which are no markup.
        cells = map(Text, _cells(row, each, named=named))
        table.add_row(*cells, style="dim" if each.verdict == "not separable" else None)
    return table


def _paper_table(report: Report, a: str, b: str) -> PaperTable:
    """The same table for papers and pages: differences that are shown are bold."""
    from peephole.cli.paper_table import PaperTable

    shown, named = _shown(report), _is_of_boards(report)
    headings = _headings(named=named)
    lines = [f"A: {a}. B: {b}.", _caption(report, [each for _, each in shown])]
    lines += [
        f"Only on {name}: {', '.join(_name(row) for row in only)}."
        for name, only in (("A", report.only_a), ("B", report.only_b))
        if only
    ]
    return PaperTable(
        caption="\n".join([*lines, "Bold: differences that are shown."]),
        headings=headings,
        left=frozenset(headings) - NUMBERS,
        rows=tuple(_cells(row, each, named=named) for row, each in shown),
        bold=frozenset(
            (number, headings.index("A − B"))
            for number, (_, each) in enumerate(shown)
            if each.verdict in ("better", "worse")
        ),
    )


def _headings(*, named: bool) -> tuple[str, ...]:
    return (*(["method", "layer"] if named else []), "measure", "A", "B", "A − B", "95 %", "p", "A is")


def _cells(row: Row, each: Comparison, *, named: bool) -> tuple[str, ...]:
    from peephole.cli.tables import number

    method, _, layer = row
    low, high = number(each.low, 3), number(each.high, 3)
    return (
        *([method, layer] if named else []),
        each.measure + (" ↓" if each.direction == "lower" else "") + ("†" if each.unscaled else ""),
        number(each.a, 3),
        number(each.b, 3),
        number(each.difference, 3),
        f"[{low}, {high}]" if low else "",
        _p(each.p_corrected),
        each.verdict,
    )


def _caption(report: Report, shown: list[Comparison]) -> str:
    comparisons = [each for pair in report.pairs for each in pair.comparisons]
    tested = sum(each.p_corrected == each.p_corrected for each in comparisons)
    pictures = sorted({each.n_a for each in comparisons} | {each.n_b for each in comparisons})
    some = f"{pictures[0]} to {pictures[-1]}" if len(pictures) > 1 else str(pictures[0])
    lines = [
        f"{some} pictures. The interval is of one difference alone, and too narrow on few pictures; p allows for them "
        f"and is corrected (Holm) for all {tested} comparisons made. Not separable does not say equal.",
        *report.remarks,
    ]
    if len(shown) < len(comparisons):
        lines.append(f"{len(comparisons) - len(shown)} metrics' comparisons that are not separable are not listed.")
    if any(each.direction == "lower" for each in shown):
        lines.append("↓ lower is better.")
    unscaled = {each.measure: each.unscaled for each in shown if each.unscaled}
    if unscaled:
        where = "; ".join(f"{measure}: {', '.join(triggers)}" for measure, triggers in unscaled.items())
        lines.append(
            f"† under a trigger the truth itself is not shown to beat chance ({where}): what is better there is what "
            "the metric prefers, not what finds the backdoor. The score leaves these out."
        )
    reasons = {each.reason: each.measure for each in shown if each.reason}
    lines += [f"Not tested: {measure}, where {reason}." for reason, measure in reasons.items()]
    return "\n".join(lines)


def _p(p: float) -> str:
    from peephole.cli.tables import number

    return "<0.001" if p < 0.001 else number(p, 3)


def _name(row: Row) -> str:
    method, _, layer = row
    return f"{method}@{layer}" if layer else method


def _json(report: Report) -> dict[str, Any]:
    """The report as JSON values: rows as objects, None for NaN."""
    plain: dict[str, Any] = _without_nan(asdict(report))
    plain["only_a"], plain["only_b"] = ([_row(row) for row in plain[name]] for name in ("only_a", "only_b"))
    plain["pairs"] = [{**pair, "a": _row(pair["a"]), "b": _row(pair["b"])} for pair in plain["pairs"]]
    return plain


def _row(row: list[str]) -> dict[str, str]:
    return dict(zip(("method", "kind", "layer"), row, strict=True))


def _without_nan(value: Any) -> Any:
    """The value with None for NaN, which JSON has not."""
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if value != value else value
