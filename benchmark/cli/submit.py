"""``peephole submit``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from peephole.cli.flags import (
    Beside,
    Data,
    Device,
    HeldOut,
    Json,
    LimitMemory,
    LimitSeconds,
    MethodOptions,
    NoReport,
    Out,
    OwnModel,
    Quiet,
    Target,
    limits_of,
)
from peephole.cli.stopping import stoppable
from peephole.cli.streams import say
from peephole.machine import BATCH, Machine, device_kind
from peephole.store.folder import DEFAULT_OUT

if TYPE_CHECKING:
    from peephole.evaluation import Entry, Evaluation


def submit_command(
    target: Target,
    suite: Annotated[
        str | None,
        typer.Argument(metavar="[SUITE]", help="Which suite; that of the folder's last run, or quick."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the row; by default after the target.")] = None,
    option: MethodOptions = None,
    beside: Beside = None,
    share: Annotated[
        float, typer.Option(help="Score it on this share of the pictures: for methods that are too costly for all.")
    ] = 1.0,
    out: Out = DEFAULT_OUT,
    data: Data = None,
    device: Device = "auto",
    held_out: HeldOut = None,
    model: OwnModel = None,
    seconds: LimitSeconds = None,
    memory: LimitMemory = None,
    batch: Annotated[int, typer.Option(help="Pictures that the method is handed at once.")] = BATCH,
    workers: Annotated[int | None, typer.Option(help="Processes that compute at once.")] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="TARGET is the name of an earlier submission: take it off the board.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the method, and only say what would be done and how long.")
    ] = False,
    no_report: NoReport = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Put a method on the board, beside the benchmark's own, and say where it stands.

    The method is checked first (peephole check), and runs in a process of its own that sees networks, pictures and
    labels, and nothing of the backdoors. Models, maps and scores that the folder has already are not computed again;
    the suite and its options are those of the folder's last run. A method that fails leaves the board as it was.
    Submitting under the same name again replaces the row.

    Examples:

    - `peephole submit my_method.py`
    - `peephole submit my_method.py:explain --name mine --option samples=25`
    - `peephole submit captum:IntegratedGradients --option n_steps=20`
    - `peephole submit my_method.py --held-out 3141592653589793 --out held-out`
    - `peephole submit --remove mine`
    """
    if remove:
        _remove(target, out)
        return
    from peephole.evaluation import checked, compute, enter, staged

    machine = Machine(device, batch=batch, workers=1 if workers is None else workers)
    speak = not (quiet or as_json)
    limits = limits_of(seconds, memory)
    made = staged(target, name=name, options=option or (), beside=beside or (), share=share, limits=limits)
    with stoppable(), made as submission:
        entry = enter(submission, suite, None, out, held_out, model)
        _say(f"checking {submission.name} …", speak)
        check = checked(submission, device)
        estimate = _estimate(entry, data, machine, check.passes)
        _say(estimate["sentence"], speak or dry_run)
        if dry_run:
            if as_json:
                _print_json(estimate)
            return
        if workers is None:
            machine = replace(machine, workers=estimate["workers"])
        if not speak:
            result = compute(entry, check, data=data, machine=machine, report=not no_report)
        else:
            from peephole.cli.progress import ProgressWatcher

            with ProgressWatcher(estimate["units"]) as watcher:
                result = compute(entry, check, data=data, machine=machine, watcher=watcher, report=not no_report)
    if as_json:
        _print_json(_as_json(result))
    else:
        _print(result)


def _estimate(entry: Entry, data: Path | None, machine: Machine, passes: float) -> dict[str, Any]:
    """What is to be done, and a sentence about it."""
    from peephole.cli.tables import duration
    from peephole.costs import costs
    from peephole.estimate import estimate, total_seconds, worker_count
    from peephole.store.store import Store

    plan = entry.plan(data)
    kind = device_kind(machine.device)
    estimates = estimate(plan.units, Store(entry.out / "store"), passes)
    todo = [one for one in estimates if not one.cached]
    trainings = sum(one.unit.cost().weights > 0 for one in todo)
    workers = worker_count(plan.units, machine)
    seconds = total_seconds(estimates, kind, workers) + (costs()["submission_seconds"] if todo else 0)
    what = f"{len(todo)} of {len(estimates)} units" + (f", {trainings} trainings among them" if trainings else "")
    return {
        "suite": plan.suite.identifier,
        "units": len(estimates),
        "cached": len(estimates) - len(todo),
        "trainings": trainings,
        "estimated_seconds": round(seconds, 1),
        "workers": workers,
        "sentence": f"{plan.suite.identifier}: {what} to compute, about {duration(seconds)} on {kind}.",
    }


def _remove(name: str, out: Path) -> None:
    from peephole.store.folder import open_folder
    from peephole.submissions.folder import remove

    remove(name, open_folder(out, create=False))
    say(f"{name} is no more among the submissions in {out}; the next run or submission writes the board anew.")


def _say(text: str, speak: bool) -> None:
    if speak:
        say(text, error=True)


def _print_json(value: object) -> None:
    from peephole.cli.tables import print_json

    print_json(value)


def _as_json(result: Evaluation) -> dict[str, Any]:
    from peephole.cli.tables import records

    plain = ("name", "score", "score_lo", "score_hi", "rank", "rank_interval", "tie_group", "rows", "best_layer")
    board = result.leaderboard
    return {
        **{name: getattr(result, name) for name in plain},
        "suite": result.run.suite,
        "folder": str(result.run.folder),
        "report": str(result.run.report) if result.run.report else None,
        "own_rows": records(board[board["method"] == result.name]),
        "leaderboard": records(board),
        "checks": result.check.as_json(),
    }


def _print(result: Evaluation) -> None:
    from peephole.cli.leaderboard import print_board
    from peephole.cli.streams import console

    screen = console()
    print_board(result.leaderboard, screen, every_layer=False)
    screen.print()
    screen.print(result.sentence, soft_wrap=True)
    screen.print(
        f"In {result.run.folder}: leaderboard.csv, scores.csv, rows/ (to publish). Recompute it: peephole verify "
        f"{result.run.folder}.",
        soft_wrap=True,
    )
    if result.run.report:
        screen.print(f"Beside the others: open {result.run.report}", soft_wrap=True)
    for failure in result.run.outcome.failed:
        say(f"peephole: failed: {failure.unit.label}: {failure.reason}", error=True)
