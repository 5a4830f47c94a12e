"""``peephole leaderboard``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from peephole.cli.flags import DEFAULT_OUT, Json

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console


def leaderboard_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with results.")] = DEFAULT_OUT,
    sort: Annotated[str, typer.Option(help="Column to sort by: rank, score, ms_per_image, or a metric.")] = "rank",
    every_layer: Annotated[bool, typer.Option("--all", help="Every layer, not only each method's best.")] = False,
    as_json: Json = False,
) -> None:
    """Print the board of an earlier run.

    One line a method, at the layer that did best on pictures kept apart for that choice, and the calibration rows
    (slanted), whose scores are known beforehand: the oracle is the truth itself, random knows nothing.

    Examples:

    - `peephole leaderboard`
    - `peephole leaderboard results --all --sort completeness`
    - `peephole leaderboard --json`
    """
    from peephole.leaderboard.tables import read_csv
    from peephole.runner import LEADERBOARD
    from peephole.store.folder import open_folder

    frame = sort_board(read_csv(open_folder(folder, create=False) / LEADERBOARD), sort)
    if as_json:
        from peephole.cli.tables import print_json, records

        print_json(records(frame))
    else:
        from peephole.cli.tables import console

        print_board(frame, console(), every_layer=every_layer)


def sort_board(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The board in the order of ``column``: ranks and costs ascending, all else descending, missing numbers last.

    Raises:
        UnknownName: there is no such column of numbers.
    """
    from peephole.errors import UnknownName

    known = ["rank", "score", "ms_per_image", *metric_columns(frame)]
    name = column.strip().lower().replace("-", "_")
    if name not in known:
        raise UnknownName("column", column, known)
    ascending = name in ("rank", "ms_per_image")
    return frame.sort_values(name, ascending=ascending, kind="stable", na_position="last", ignore_index=True)


def metric_columns(frame: pd.DataFrame) -> list[str]:
    """The columns of ``frame`` that are metrics: those with an interval beside them, but for the score."""
    return [name.removesuffix("_lo") for name in frame.columns if name.endswith("_lo") and name != "score_lo"]


def fewer_pictures(frame: pd.DataFrame) -> dict[str, str]:
    """The methods that are scored on fewer pictures than others on the board, and on how many of how many."""
    most = frame["n"].max() if len(frame) else 0
    rows = frame[frame["score"].notna() & (frame["n"] < most)]
    return {method: f"{n} of {most}" for method, n in zip(rows["method"], rows["n"], strict=True)}


def print_board(frame: pd.DataFrame, screen: Console, *, every_layer: bool) -> None:
    """Print the board for people."""
    from peephole.cli.board import board_table
    from peephole.leaderboard.board import HEADLINE

    rows = frame if every_layer else frame[frame["best_layer"] | (frame["kind"] == "calibration")]
    suite = f"{frame['suite'].iloc[0]}: " if len(frame) else ""
    fewer = fewer_pictures(rows)
    caption = (
        f"{HEADLINE}. 95 % intervals over pictures, with several seeds over models too. Ranks count every layer of "
        "every method. Rows of one tie group are not separable from its first row. invalid: pictures on which a map "
        "has nothing to score (nowhere positive, or even where ranks are compared), scored at chance. ms: one picture, "
        "all layers together."
    )
    if fewer:
        parts = "; ".join(f"{method} on {count} pictures" for method, count in fewer.items())
        caption += f" * {parts}, compared with other rows on the pictures that both have."
    if frame["rank"].isna().all():
        caption = "Nothing is ranked: no backdoor was made that meets its gates. scores.csv holds whatever was scored."
    table = board_table(
        rows,
        metric_columns(frame),
        title=f"{suite}which explanation finds the backdoor" + ("" if every_layer else ", at its best layer"),
        caption=caption,
        fewer=fewer,
        screen=screen,
    )
    screen.print(table, crop=False)
