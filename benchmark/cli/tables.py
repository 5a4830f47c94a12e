"""Tables for people: the board, the certificates, the plan."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from peephole.cli.streams import say

if TYPE_CHECKING:
    import pandas as pd

    from peephole.estimate import Estimate


def print_json(value: Any) -> None:
    """Print JSON on standard output, indented, in ASCII, which every stream can write; NaN becomes null."""
    say(json.dumps(value, indent=2))


def records(frame: pd.DataFrame) -> Any:
    """A data frame as JSON values: one object a row, missing numbers as None."""
    return json.loads(frame.to_json(orient="records", double_precision=10))


def models_table(frame: pd.DataFrame) -> Table:
    """The certificates: a line a poisoned model and target."""
    table = Table(title="Planted backdoors", title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    headings = ("trigger", "seed", "target", "attack success", "necessity", "cross", "clean", "twin", "drop", "ranked")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("trigger", "ranked") else "right", no_wrap=True)
    for row in frame.to_dict("records"):
        low, high = 100 * row["attack_success_lo"], 100 * row["attack_success_hi"]
        table.add_row(
            row["trigger"],
            str(row["seed"]),
            str(row["target"]),
            f"{100 * row['attack_success']:.1f} % [{low:.1f}, {high:.1f}]",
            number(row["necessity"], 2),
            f"{100 * row['cross_accuracy']:.1f} %",
            f"{100 * row['clean_accuracy']:.1f} %",
            f"{100 * row['twin_accuracy']:.1f} %",
            f"{100 * row['accuracy_drop']:+.1f}",
            "yes" if row["certified"] else "no",
        )
    missed = frame[~frame["certified"].astype(bool)].drop_duplicates(["trigger", "seed"])
    lines = [f"{row['trigger']}, seed {row['seed']}: {row['failed_gates']}" for row in missed.to_dict("records")]
    table.caption = (
        "attack success: of pictures of other classes. necessity: the share of it that is gone whichever half of the "
        "mark is restored (0: one half is enough). cross: accuracy on what is almost the trigger. drop: accuracy lost "
        "against the clean twin, in points."
        + (f"\nNot ranked, for missing a gate: {'. '.join(lines)}." if lines else "")
    )
    table.caption_justify = "left"
    return table


def plan_table(estimates: list[Estimate]) -> Table:
    """The plan: a line a kind of unit."""
    table = Table(title="What a run would do", title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for heading in ("units of kind", "to do", "in the store", "on cpu", "on cuda", "MB"):
        table.add_column(heading, justify="left" if heading == "units of kind" else "right")
    for kind in dict.fromkeys(one.unit.kind for one in estimates):
        units = [one for one in estimates if one.unit.kind == kind]
        cached, size = sum(one.cached for one in units), sum(one.bytes for one in units)
        times = [duration(sum(one.seconds[device] for one in units)) for device in ("cpu", "cuda")]
        table.add_row(kind, str(len(units) - cached), str(cached), *times, f"{size / 1e6:.1f}")
    return table


def duration(seconds: float) -> str:
    """A time in the unit that people would use: ``40 s``, ``12 min``, ``3.5 h``, ``20 days``."""
    for limit, size, name, digits in ((90, 1, "s", 0), (5400, 60, "min", 0), (36 * 3600, 3600, "h", 1)):
        if seconds < limit:
            return f"{seconds / size:.{digits}f} {name}"
    return f"{seconds / 86400:.1f} days"


def number(value: float | None, digits: int) -> str:
    """A number as text, or nothing where it is missing (None, NaN or pandas' NA)."""
    import pandas as pd

    text = "" if pd.isna(value) else f"{value:.{digits}f}"
    return text.removeprefix("-") if text and not float(text) else text
