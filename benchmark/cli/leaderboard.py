"""``peephole leaderboard``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from peephole.cli.flags import Folder, InFolder, Json, results_folder
from peephole.cli.paper_table import Latex, Markdown
from peephole.errors import PeepholeError

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console


def leaderboard_command(
    folder: Folder = None,
    out: InFolder = None,
    sort: Annotated[
        str, typer.Option(help="Column to sort by, best first: rank, score, ms_per_image, passes, or any metric.")
    ] = "rank",
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Metrics to show, separated by commas, or all; those that the score is made of if not given."
        ),
    ] = None,
    every_layer: Annotated[bool, typer.Option("--all", help="Every layer, not only each method's best.")] = False,
    as_json: Json = False,
    as_latex: Latex = False,
    as_markdown: Markdown = False,
) -> None:
    """Print the board of an earlier run.

    One line a method, at the layer that did best on pictures kept apart for that choice, and the calibration rows
    (slanted), whose scores are known beforehand: the oracle is the truth itself, random knows nothing.

    Examples:

    - `peephole leaderboard`
    - `peephole leaderboard results --all --sort completeness`
    - `peephole leaderboard --metrics all --sort passes`
    - `peephole leaderboard --json`
    - `peephole leaderboard results --metrics completeness,restore --latex`
    """
    from peephole.cli.paper_table import form_of, print_table
    from peephole.leaderboard.tables import LEADERBOARD, read_csv
    from peephole.store.folder import open_folder

    folder = results_folder(folder, out)
    form = form_of(as_json=as_json, as_latex=as_latex, as_markdown=as_markdown)
    frame = sort_board(read_csv(open_folder(folder, create=False) / LEADERBOARD), sort)
    shown = shown_metrics(frame, metrics, sort)
    if as_json:
        from peephole.cli.tables import print_json, records

        print_json(records(frame))
    elif form is not None:
        from peephole.cli.board import board_paper_table
        from peephole.leaderboard.tables import named_in

        rows, title, caption, fewer = _shown(frame, every_layer=every_layer)
        caption, lower = f"{title}. {caption}", named_in(frame, "lower_is_better")
        print_table(board_paper_table(rows, shown, caption=caption, fewer=fewer, lower=lower), form)
    else:
        from peephole.cli.streams import console

        print_board(frame, console(), every_layer=every_layer, metrics=shown)


def sort_board(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The board in the order of ``column``: the best first, missing numbers last.

    Raises:
        UnknownName: there is no such column of numbers.
        PeepholeError: the board was written by an earlier version.
    """
    from peephole.leaderboard.tables import metric_columns, named_in
    from peephole.texts.matching import one_of

    ascending = ["rank", "ms_per_image", "passes", *named_in(frame, "lower_is_better")]
    name = one_of(column, "column", ["rank", "score", "ms_per_image", "passes", *metric_columns(frame)])
    return frame.sort_values(name, ascending=name in ascending, kind="stable", na_position="last", ignore_index=True)


def shown_metrics(frame: pd.DataFrame, asked: str | None = None, sort: str = "rank") -> list[str]:
    """The metrics to print: the core ones and the one that is sorted by, or those ``asked`` for, in the file's order.

    Args:
        frame: the board.
        asked: metrics separated by commas, or ``"all"``.
        sort: the column that the board is sorted by.

    Raises:
        UnknownName: a metric that the board does not have.
        PeepholeError: the board was written by an earlier version.
    """
    from peephole.leaderboard.tables import metric_columns, named_in
    from peephole.texts.matching import one_of, plain
    from peephole.texts.tokens import split

    known = metric_columns(frame)
    names = split(asked or "")
    if asked is not None and not names:
        raise PeepholeError("--metrics names none; give some, as in --metrics completeness, or all.")
    if names == ("all",):
        return known
    chosen = [one_of(name, "metric", known) for name in names] or named_in(frame, "core_metrics")
    return [name for name in known if name in chosen or plain(name) == plain(sort)]


def fewer_pictures(frame: pd.DataFrame) -> dict[str, str]:
    """The methods that are scored on fewer pictures than others on the board, and on how many of how many."""
    most = frame["n"].max() if len(frame) else 0
    rows = frame[frame["score"].notna() & (frame["n"] < most)]
    return {method: f"{n} of {most}" for method, n in zip(rows["method"], rows["n"], strict=True)}


def print_board(frame: pd.DataFrame, screen: Console, *, every_layer: bool, metrics: list[str] | None = None) -> None:
    """Print the board for people, with these metrics; the core ones if none are given."""
    from peephole.cli.board import board_table

    rows, title, caption, fewer = _shown(frame, every_layer=every_layer)
    chosen = shown_metrics(frame) if metrics is None else metrics
    screen.print(board_table(rows, chosen, title=title, caption=caption, fewer=fewer, screen=screen), crop=False)


def _shown(frame: pd.DataFrame, *, every_layer: bool) -> tuple[pd.DataFrame, str, str, dict[str, str]]:
    """The rows to print, with title and caption, and the methods on `fewer_pictures`."""
    from peephole.cli.board import PARETO
    from peephole.leaderboard.parts import HEADLINE

    rows = frame if every_layer else frame[frame["best_layer"] | (frame["kind"] == "calibration")]
    suite = f"{frame['suite'].iloc[0]}: " if len(frame) else ""
    fewer = fewer_pictures(rows)
    caption = (
        f"{HEADLINE}{_score_of(frame)}. 95 % intervals over pictures, with several seeds over models too. Ranks count "
        "every layer of every method. Rows of one tie group are not separable from its first row. invalid: pictures on "
        "which a map has nothing to score (nowhere positive, or even where ranks are compared), scored at chance. ms: "
        "one picture, all layers together; passes: the same, in forward and backward passes of the network."
    )
    if rows["pareto"].any():
        caption += (
            f" {PARETO} no other method has a score as high at a cost as low (in passes, or in ms where those of one "
            "are not known)."
        )
    if fewer:
        parts = "; ".join(f"{method} on {count} pictures" for method, count in fewer.items())
        caption += f" * {parts}, compared with other rows on the pictures that both have."
    if frame["rank"].isna().all():
        caption = "Nothing is ranked: no backdoor was made that meets its gates. scores.csv holds whatever was scored."
        if _certified(frame):
            caption = (
                "Nothing is ranked: under no trigger and core metric is the truth itself shown to beat chance, or "
            )
            caption += "each row lacks scores. scores.csv holds whatever was scored."
    title = f"{suite}which explanation finds the backdoor" + ("" if every_layer else ", at its best layer")
    return rows, title, caption, fewer


def _score_of(frame: pd.DataFrame) -> str:
    """What the score is made of, in parentheses."""
    text = frame["score_of"].iloc[0] if len(frame) else ""
    return f" ({text})" if text else ""


def _certified(frame: pd.DataFrame) -> bool:
    """Whether any backdoor met its gates: only those count among n."""
    return bool((frame["n"] > 0).any())
