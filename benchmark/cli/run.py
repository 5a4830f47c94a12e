"""``peephole run``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from peephole.cli.flags import Address, Data, Device, Engine, HeldOut, Json, NoReport, Out, Quiet, engine_of, names
from peephole.cli.stopping import stoppable
from peephole.errors import PeepholeError
from peephole.machine import BATCH, Machine
from peephole.store.folder import DEFAULT_OUT
from peephole.texts.tokens import split

if TYPE_CHECKING:
    from peephole.options import Options
    from peephole.part import Part
    from peephole.runner import PartResult, RunResult

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
        typer.Option(
            help="Processes that compute at once, by default one a GPU or a core; with slurm the tasks, by default one."
        ),
    ] = None,
    engine: Engine = "local",
    address: Address = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Compute the I-th of N parts only, as in 2/8, and write no tables: for any scheduler. When all are "
            "done, the command without it writes them.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done, how long, how large.")
    ] = False,
    no_report: NoReport = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Poison, attribute, score: print which explanation finds the backdoor, and write it down.

    Trains clean networks, plants each trigger of the suite in a copy of each, explains the poisoned decisions with
    every method at every layer, and scores the maps against the place of the trigger. Writes leaderboard.csv,
    scores.csv, models.csv, kis.csv, kis.png, triggers.png, heatmaps/ and report/ to the output folder, and a log to
    logs/.
    Stopped runs go on where they were; finished ones cost seconds. Several commands may work on one folder at once, on
    several machines, too. The tables show what the last command asked for; the store keeps everything.

    Examples:

    - `peephole run`
    - `peephole run quick --methods gradient,grad_cam --layers input,layer3.0`
    - `peephole run --methods "+tif(deeplift, 0.9),+captum:IntegratedGradients(n_steps=20)"`
    - `peephole run --triggers "badnet(pattern=checkerboard),wanet(s=4)"`
    - `peephole run cifar10 --data ~/data --epochs 2 --model resnet8`
    - `peephole run --held-out 3141592653589793`
    - `peephole run --dry-run`
    - `peephole run cifar10 --data ~/data --device cuda --workers 4`
    - `peephole run cifar10 --data /shared/data --out /shared/results --engine "ray(address=auto, num_gpus=1)"`
    - `peephole run cifar10 --data /shared/data --out /results --engine "slurm(gpus=1)" --workers 32`
    - `peephole run cifar10 --data /shared/data --out /shared/results --shard 2/8`
    """
    from peephole.options import Options
    from peephole.part import Part

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
    part = None if shard is None else Part.read(shard)
    place = engine_of(engine, address)
    machine = Machine(device, devices, precision, compiled, batch, 1 if workers is None else workers, place)
    with stoppable():
        if download:
            _download(suite, data, options)
        if dry_run:
            from peephole.cli.dry_run import dry_run as only_say

            only_say(suite, out, data, machine, options, part, as_json=as_json, choose=workers is None)
            return
        silent = quiet or as_json
        result = _run(suite, out, data, machine, options, part, not no_report, quiet=silent, choose=workers is None)
        from peephole.cli.run_output import print_json_result, print_result

        (print_json_result if as_json else print_result)(result)
    if result.outcome.failed:
        raise typer.Exit(FAILED)


def _run(
    suite: str,
    out: Path,
    data: Path | None,
    machine: Machine,
    options: Options,
    part: Part | None,
    report: bool,
    *,
    quiet: bool,
    choose: bool,
) -> RunResult | PartResult:
    from peephole.estimate import seconds_by_unit, worker_count
    from peephole.runner import plan_run, run, run_part
    from peephole.store.store import Store
    from peephole.submissions.folder import stored

    plan = plan_run(suite, data=data, options=options, submissions=stored(out))
    if choose:
        machine = replace(machine, workers=worker_count(plan.units, machine))
    do = partial(run, report=report) if part is None else partial(run_part, part)
    if quiet:
        return do(suite, out=out, data=data, machine=machine, options=options)
    from peephole.cli.progress import ProgressWatcher

    store, units = Store(out / "store"), plan.units if part is None else part.of(plan)
    with ProgressWatcher(len(units), store, seconds_by_unit(units, store, machine)) as watcher:
        return do(suite, out=out, data=data, machine=machine, options=options, watcher=watcher)


def _download(suite: str, data: Path | None, options: Options) -> None:
    from peephole.datasets.download import download
    from peephole.suites.suite import load_suite

    if data is None:
        raise PeepholeError("--download needs to know where to: give a folder with --data DIR or PEEPHOLE_DATA.")
    download(options.apply(load_suite(suite)).dataset.name, data)
