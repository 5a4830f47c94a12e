"""``peephole verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from peephole.cli.flags import Data, Device, Folder, InFolder, Json, OwnModel, Quiet, results_folder
from peephole.machine import BATCH, Machine

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from peephole.verification.result import VerifyResult

DIFFERENT = 1
SHOWN = 20
"""Differences that are printed; --json has all."""


def verify_command(
    folder: Folder = None,
    out: InFolder = None,
    share: Annotated[
        float,
        typer.Option(help="Of each method's models, one at least, that maps and scores are made anew on; 0: none."),
    ] = 0.05,
    seed: Annotated[int | None, typer.Option(help="Which of them: the same number draws the same again.")] = None,
    device: Device = "auto",
    batch: Annotated[int, typer.Option(help="Pictures a pass of an explanation.")] = BATCH,
    model: OwnModel = None,
    data: Data = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Recompute rows and say which reproduce.

    Compares every table and published row with what the store gives, every shard with its checksum, and what is in the
    store with what the code of now would make: what was made by other code is stale. Then makes the maps of a random
    share anew, from the stored models, and from them the scores. Nothing in the folder is written to. The exit code is
    0 if nothing differs and nothing is stale, else 1.

    Examples:

    - `peephole verify`
    - `peephole verify results --share 0.5 --seed 7`
    - `peephole verify results --share 0`
    - `peephole verify results --device cuda --json`
    """
    from peephole.verification.verifying import verify

    folder = results_folder(folder, out)
    machine = Machine(device, batch=batch)
    if quiet or as_json:
        result = verify(folder, share=share, seed=seed, machine=machine, data=data, model=model)
    else:
        from peephole.cli.progress import ProgressWatcher

        with ProgressWatcher(None) as watcher:
            result = verify(folder, share=share, seed=seed, machine=machine, data=data, watcher=watcher, model=model)
    if as_json:
        _print_json(result)
    else:
        from peephole.cli.streams import console

        print_verification(result, console())
    if not result.ok:
        raise typer.Exit(DIFFERENT)


def print_verification(result: VerifyResult, screen: Console) -> None:
    """Print a verification for people: a line a method where its layers fare alike, else a line a layer."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from peephole.cli.tables import number

    caption = (
        "difference: between the mean of a metric in the store and made anew, of the metric that is nearest to what is "
        f"allowed, on {result.share:.0%} of each method's models, one at least; 1 is from chance to the truth itself. "
        "Models, probe pictures and times are not made anew. The same models again: "
        f"--share {result.share:g} --seed {result.seed}."
    )
    table = Table(title=Text(f"{result.suite}: which rows reproduce"), caption=Text(caption), header_style="bold")
    table.box, table.title_justify, table.caption_justify = SIMPLE_HEAD, "left", "left"
    for heading in ("method", "layer", "models", "difference", "allowed", "outcome"):
        table.add_column(heading, justify="right" if heading in ("models", "difference", "allowed") else "left")
    for method, layers, row in _lines(result.rows):
        outcome = f"{row['status']}: {row['reason']}" if row["reason"] else str(row["status"])
        exact = row["difference"] == 0
        cells = (
            method,
            layers,
            number(row["models"] or None, 0),
            "0" if exact else f"{row['difference']:.1e}" if row["difference"] == row["difference"] else "",
            number(row["tolerance"], 3),
            outcome,
        )
        table.add_row(*map(Text, cells), style="dim italic" if row["kind"] == "calibration" else None)
    screen.print(table)
    for name, findings in (("Differs", result.differences), ("Stale", result.stale)):
        for finding in findings[:SHOWN]:
            of = f" ({len(finding.rows)} rows)" if len(finding.rows) > 1 else ""
            screen.print(f"{name}: {finding}{of}", markup=False, soft_wrap=True)
        if len(findings) > SHOWN:
            screen.print(f"… and {len(findings) - SHOWN} more; --json lists all.", soft_wrap=True)
    for note in result.notes:
        screen.print(f"Note: {note}.", markup=False, soft_wrap=True)
    screen.print(result.sentence, markup=False, soft_wrap=True)


def _lines(rows: pd.DataFrame) -> list[tuple[str, str, pd.Series]]:
    """Method, layers and the worst row of each line to print."""
    lines = []
    for (method, _), own in rows.groupby(["method", "kind"], sort=False):
        if len(own) > 1 and own[["status", "reason"]].drop_duplicates().shape[0] == 1:
            worst = own.sort_values("difference", ascending=False, na_position="last").iloc[0]
            lines.append((str(method), f"all {len(own)}", worst))
        else:
            lines += [(str(method), str(row["layer"]), row) for _, row in own.iterrows()]
    return lines


def _print_json(result: VerifyResult) -> None:
    from peephole.cli.tables import print_json, records

    def listed(findings: object) -> list[dict[str, object]]:
        return [
            {"where": one.where, "what": one.what, "rows": sorted(map(list, one.rows))}
            for one in findings  # type: ignore[attr-defined]
        ]

    print_json(
        {
            "folder": str(result.folder),
            "suite": result.suite,
            "ok": result.ok,
            "share": result.share,
            "seed": result.seed,
            "sentence": result.sentence,
            "rows": records(result.rows),
            "differences": listed(result.differences),
            "stale": listed(result.stale),
            "notes": list(result.notes),
        }
    )
