"""Tables for people: the board, the certificates, the plan."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from peephole.estimate import Estimate


def print_json(value: Any) -> None:
    """Print JSON on standard output, indented; NaN becomes null."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def records(frame: pd.DataFrame) -> Any:
    """A data frame as JSON values: one object a row, missing numbers as None."""
    return json.loads(frame.to_json(orient="records", double_precision=10))


def console() -> Console:
    """Standard output; wide enough not to break tables where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 140, highlight=False)


def board_table(frame: pd.DataFrame, metrics: list[str], *, title: str) -> Table:
    """The board: a line a row of ``frame``, numbers with their intervals."""
    table = Table(title=title, title_justify="left", header_style="bold", caption_justify="left")
    for heading in ("rank", "tie", "method", "layer", "score", *metrics, "ms"):
        numeric = heading in ("rank", "tie", "ms")
        table.add_column(heading.replace("_", "\n"), justify="right" if numeric else "left", no_wrap=True)
    for row in frame.to_dict("records"):
        style = "dim italic" if row["kind"] == "calibration" else None
        table.add_row(
            _text(row["rank_interval"]),
            _whole(row["tie_group"]),
            row["method"],
            row["layer"],
            _interval(row, "score"),
            *(_interval(row, metric) for metric in metrics),
            _number(row["ms_per_image"], 2),
            style=style,
        )
    return table


def models_table(frame: pd.DataFrame) -> Table:
    """The certificates: a line a poisoned model and target."""
    table = Table(title="Planted backdoors", title_justify="left", header_style="bold")
    for heading in ("trigger", "seed", "target", "attack success", "clean accuracy", "twin", "drop", "ranked"):
        table.add_column(heading, justify="left" if heading in ("trigger", "ranked") else "right", no_wrap=True)
    for row in frame.to_dict("records"):
        low, high = 100 * row["attack_success_lo"], 100 * row["attack_success_hi"]
        table.add_row(
            row["trigger"],
            str(row["seed"]),
            str(row["target"]),
            f"{100 * row['attack_success']:.1f} % [{low:.1f}, {high:.1f}]",
            f"{100 * row['clean_accuracy']:.1f} %",
            f"{100 * row['twin_accuracy']:.1f} %",
            f"{100 * row['accuracy_drop']:+.1f}",
            "yes" if row["certified"] else "no: misses a gate",
        )
    return table


def plan_table(estimates: list[Estimate]) -> Table:
    """The plan: a line a kind of unit."""
    table = Table(title="What a run would do", title_justify="left", header_style="bold")
    for heading in ("units of kind", "to do", "in the store", "seconds", "MB"):
        table.add_column(heading, justify="left" if heading == "units of kind" else "right")
    for kind in dict.fromkeys(one.unit.kind for one in estimates):
        units = [one for one in estimates if one.unit.kind == kind]
        cached = sum(one.cached for one in units)
        seconds, size = sum(one.seconds for one in units), sum(one.bytes for one in units)
        table.add_row(kind, str(len(units) - cached), str(cached), f"{seconds:.0f}", f"{size / 1e6:.1f}")
    return table


def _interval(row: dict[Any, Any], name: str) -> str:
    value = _number(row[name], 3)
    low, high = _number(row[f"{name}_lo"], 2), _number(row[f"{name}_hi"], 2)
    return f"{value} [{low}, {high}]" if value and low else value


def _number(value: Any, digits: int) -> str:
    return "" if value is None or value != value else f"{value:.{digits}f}"


def _whole(value: Any) -> str:
    return _number(value, 0)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
