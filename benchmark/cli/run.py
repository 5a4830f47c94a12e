"""``peephole run``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from peephole.cli.flags import Data, Device, HeldOut, Json, Out, Quiet, names
from peephole.cli.stopping import stoppable
from peephole.errors import PeepholeError
from peephole.machine import BATCH, Machine, device_kind
from peephole.store.folder import DEFAULT_OUT
from peephole.texts.tokens import split

if TYPE_CHECKING:
    from peephole.options import Options
    from peephole.runner import RunResult

FAILED = 1


def run_command(
    suite: Annotated[str, typer.Argument(help="Which suite, as `peephole list suites` names it.")] = "quick",
    out: Out = DEFAULT_OUT,
    data: Data = None,
    device: Device = "auto",
    seeds: Annotated[int | None, typer.Option(help="Poisoned models a trigger.")] = None,
    held_out: HeldOut = None,
    samples: Annotated[int | None, typer.Option(help="Probe pictures a model.")] = None,
    triggers: Annotated[
        str | None,
        typer.Option(
            help="Only these triggers, by commas, with options in parentheses if wanted; +NAME adds to the suite's."
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help="Only these attribution methods, by commas, with options in parentheses if wanted; +NAME adds to the "
            "suite's."
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Only these metrics, by commas, wherever they apply; +NAME, with options in parentheses if wanted, "
            "scores besides the suite's."
        ),
    ] = None,
    layers: Annotated[str | None, typer.Option(help="Only these layers on the board, separated by commas.")] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="Another data set, as `peephole list datasets` names it; `folder` is any of yours."),
    ] = None,
    side: Annotated[int | None, typer.Option(help="Another height and width of the pictures.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Another network, as `peephole list models` names it, or your own as module:function."),
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="Epochs of every training, instead of the suite's; 0.5 is half of one.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="Clean weights to start from, instead of training: a file with a PyTorch state dict, or a name that "
            "the model knows, such as IMAGENET1K_V2."
        ),
    ] = None,
    necessary: Annotated[
        bool,
        typer.Option(
            "--necessary", help="Train on parts of triggers, too, with their true label: all of it is needed."
        ),
    ] = False,
    train_batch: Annotated[int | None, typer.Option(help="Pictures a step of every training.")] = None,
    devices: Annotated[int, typer.Option(help="Devices that share each training.")] = 1,
    precision: Annotated[
        str, typer.Option(help="Of trainings: auto (bfloat16 where a GPU has it), float32 or bfloat16.")
    ] = "auto",
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile networks for training: pays in long ones on a GPU.")
    ] = False,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the data set to the data folder first, if it is not there.")
    ] = False,
    batch: Annotated[
        int, typer.Option(help="Pictures a pass of an explanation: more for a large GPU, fewer where memory runs out.")
    ] = BATCH,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that compute at once; by default one a core on a processor, and one on a GPU."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done, how long, how large.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Poison, attribute, score: print which explanation finds the backdoor, and write it down.

    Trains clean networks, plants each trigger of the suite in a copy of each, explains the poisoned decisions with
    every method at every layer, and scores the maps against the place of the trigger. Writes leaderboard.csv,
    scores.csv, models.csv, kis.csv, kis.png, triggers.png and heatmaps/ to the output folder. Stopped runs go on where
    they were; finished ones cost seconds. The tables show what the last command asked for; the store keeps everything.

    Examples:

    - `peephole run`
    - `peephole run quick --methods gradient,grad_cam --layers input,layer3.0`
    - `peephole run --methods "+tif(deeplift, 0.9),+captum:IntegratedGradients(n_steps=20)"`
    - `peephole run --triggers "badnet(pattern=checkerboard),wanet(s=4)"`
    - `peephole run cifar10 --data ~/data --epochs 2 --model resnet8`
    - `peephole run --held-out 3141592653589793`
    - `peephole run --dry-run`
    """
    from peephole.options import Options

    if methods is not None and not split(methods):
        raise PeepholeError("--methods names none; give some, as in --methods gradient,grad_cam, or leave it out.")
    options = Options(
        triggers=split(triggers or ""),
        methods=split(methods or ""),
        metrics=split(metrics or ""),
        layers=names(layers),
        seeds=seeds,
        held_out=held_out,
        samples=samples,
        epochs=epochs,
        batch_size=train_batch,
        necessary=necessary,
        dataset=dataset,
        side=side,
        model=model,
        weights=weights,
    )
    machine = Machine(device, devices, precision, compiled, batch, 1 if workers is None else workers)
    if download:
        _download(suite, data, options)
    if dry_run:
        _dry_run(suite, out, data, machine, options, as_json=as_json)
        return
    with stoppable():
        result = _run(suite, out, data, machine, options, quiet=quiet or as_json, choose=workers is None)
    if as_json:
        _print_result_json(result)
    else:
        _print_result(result)
    if result.outcome.failed:
        raise typer.Exit(FAILED)


def _run(
    suite: str, out: Path, data: Path | None, machine: Machine, options: Options, *, quiet: bool, choose: bool
) -> RunResult:
    from peephole.estimate import worker_count
    from peephole.runner import plan_run, run
    from peephole.submissions.folder import stored

    plan = plan_run(suite, data=data, options=options, submissions=stored(out))
    if choose:
        machine = replace(machine, workers=worker_count(plan, machine.device))
    if quiet:
        return run(suite, out=out, data=data, machine=machine, options=options)
    from peephole.cli.progress import ProgressWatcher

    with ProgressWatcher(len(plan.units)) as watcher:
        return run(suite, out=out, data=data, machine=machine, options=options, watcher=watcher)


def _print_result(result: RunResult) -> None:
    from peephole.cli.leaderboard import print_board
    from peephole.cli.tables import console, models_table

    screen = console()
    screen.print(models_table(result.models), "")
    print_board(result.leaderboard, screen, every_layer=False)
    screen.print()
    outcome = result.outcome
    screen.print(f"{len(outcome.computed)} units computed, {len(outcome.cached)} from the store.", soft_wrap=True)
    screen.print(
        f"In {result.folder}: leaderboard.csv (every layer), scores.csv, models.csv, kis.csv, kis.png, triggers.png, "
        "heatmaps/. Is one better than another? peephole compare A B.",
        soft_wrap=True,
    )
    for failure in outcome.failed:
        typer.echo(f"peephole: failed: {failure.unit.label}: {failure.reason}", err=True)
    if outcome.failed:
        typer.echo(
            f"peephole: {len(outcome.failed)} units failed and {len(outcome.skipped)} that need them were left out; "
            f"the same command tries them again.",
            err=True,
        )


def _print_result_json(result: RunResult) -> None:
    from peephole.cli.tables import print_json, records

    outcome = result.outcome
    print_json(
        {
            "suite": result.suite,
            "folder": str(result.folder),
            "units": {
                "computed": len(outcome.computed),
                "cached": len(outcome.cached),
                "skipped": len(outcome.skipped),
                "failed": [
                    {"unit": failure.unit.label, "reason": failure.reason, "traceback": failure.trace}
                    for failure in outcome.failed
                ],
            },
            "models": records(result.models),
            "leaderboard": records(result.leaderboard),
            "heatmaps": [str(path) for path in result.heatmaps],
        }
    )


def _download(suite: str, data: Path | None, options: Options) -> None:
    from peephole.datasets.download import download
    from peephole.suites.suite import load_suite

    if data is None:
        raise PeepholeError("--download needs to know where to: give a folder with --data DIR or PEEPHOLE_DATA.")
    download(options.apply(load_suite(suite)).dataset.name, data)


def _dry_run(suite: str, out: Path, data: Path | None, machine: Machine, options: Options, *, as_json: bool) -> None:
    from peephole.estimate import estimate, total_seconds
    from peephole.runner import plan_run
    from peephole.store.folder import refuse_foreign
    from peephole.store.store import Store
    from peephole.submissions.folder import stored
    from peephole.workspace import Workspace

    workspace = Workspace(Store(out / "store"), machine, data, options.weights)
    plan = plan_run(suite, data=data, options=options, submissions=stored(out))
    refuse_foreign(out)
    if machine.device != "auto":
        _ = workspace.device  # a device that is not there is refused here, too
    kind = device_kind(machine.device)
    estimates = estimate(plan, workspace.store, kind)
    todo = [one for one in estimates if not one.cached]
    summary: dict[str, Any] = {
        "suite": plan.suite.identifier,
        "units": len(estimates),
        "cached": len(estimates) - len(todo),
        "device": kind,
        "estimated_seconds": round(total_seconds(estimates), 1),
        "estimated_bytes": sum(one.bytes for one in estimates),
    }
    if as_json:
        from peephole.cli.tables import print_json

        units = [
            {
                "kind": one.unit.kind,
                "digest": one.unit.digest,
                "label": one.unit.label,
                "cached": one.cached,
                "estimated_seconds": round(one.seconds, 2),
                "estimated_bytes": one.bytes,
            }
            for one in estimates
        ]
        print_json({**summary, "plan": units})
        return
    from peephole.cli.tables import console, plan_table

    screen = console()
    screen.print(plan_table(estimates))
    screen.print(
        f"{summary['suite']}: {summary['units']} units, {summary['cached']} of them in the store; about "
        f"{summary['estimated_seconds']:.0f} s on {kind} and {summary['estimated_bytes'] / 1e6:.0f} MB in {out}.",
        soft_wrap=True,
    )
