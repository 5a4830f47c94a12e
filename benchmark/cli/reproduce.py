"""``peephole reproduce``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from peephole.cli.flags import Data, Device, Json, NoReport, Out, Quiet
from peephole.cli.stopping import stoppable
from peephole.cli.streams import say
from peephole.machine import BATCH, Machine
from peephole.store.folder import DEFAULT_OUT

if TYPE_CHECKING:
    from peephole.claims.running import Reproduced
    from peephole.options import Options

FAILED = 1
SUITE, QUICK = "cifar10", "quick"


def reproduce_command(
    claims: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CLAIM]...", help="Numbers or names, as `peephole list claims` has them; all if none."),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="A smoke test in minutes: the models of the suite quick, small experiments, no verdicts."
        ),
    ] = False,
    suite: Annotated[
        str | None,
        typer.Option(help="On the models of which suite: by default cifar10; cifar10_narrow needs no GPU."),
    ] = None,
    out: Out = DEFAULT_OUT,
    data: Data = None,
    device: Device = "auto",
    seeds: Annotated[int | None, typer.Option(help="Models of each kind.")] = None,
    samples: Annotated[int | None, typer.Option(help="Probe pictures a model.")] = None,
    model: Annotated[str | None, typer.Option(help="Another network, as `peephole list models` names it.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Epochs of every training, instead of the suite's.")] = None,
    batch: Annotated[int, typer.Option(help="Pictures a pass of an explanation.")] = BATCH,
    workers: Annotated[
        int | None, typer.Option(help="Processes that compute at once, by default one a GPU or a core.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done, and how long.")] = False,
    no_report: NoReport = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Hold the claims of the two papers against what is measured: which hold, which fail, by how much.

    Each claim is a file that says what is expected, and how large an effect has to be, before anything is measured.
    Trains the models of a suite if they are not there, runs the papers' experiments on them, and writes verdicts,
    numbers and figures to claims/ in the output folder, and to the report. On CIFAR-10 as in the papers this is work
    for a GPU; `--suite cifar10_narrow` is for two processor cores, and `--quick` a smoke test.

    Examples:

    - `peephole reproduce --quick`
    - `peephole reproduce --data ~/data --device cuda --seeds 2 --out cifar10`
    - `peephole reproduce --suite cifar10_narrow --data ~/data --out narrow`
    - `peephole reproduce 5 neuron_weights 10 --quick`
    - `peephole reproduce --suite cifar10_narrow --data ~/data --dry-run`
    """
    from peephole.claims.base import chosen_claims
    from peephole.options import Options

    chosen = chosen_claims(claims or ())
    name = suite or (QUICK if quick else SUITE)
    options = Options(seeds=seeds, samples=samples, model=model, epochs=epochs)
    machine = Machine(device, batch=batch, workers=1 if workers is None else workers)
    command = partial(_command, quick=quick, suite=suite, options=options)
    with stoppable():
        from peephole.claims.running import plan_examination, reproduce
        from peephole.estimate import worker_count

        asked: dict[str, Any] = {"out": out, "data": data, "options": options, "quick": quick}
        examination = plan_examination(chosen, name, machine=machine, **asked)
        units, store = examination.units, examination.study.workspace.store
        if workers is None:
            machine = replace(machine, workers=worker_count(units, machine))
        if dry_run:
            from peephole.cli.dry_run import print_units

            identifier = examination.study.plan.suite.identifier
            subject = f"{len(chosen)} claims on {identifier}"
            print_units(units, subject, store, machine, as_json=as_json, suite=identifier)
            return
        asked |= {"machine": machine, "command": command, "report": not no_report}
        if quiet or as_json:
            result = reproduce(chosen, name, **asked)
        else:
            from peephole.cli.progress import ProgressWatcher
            from peephole.estimate import seconds_by_unit

            with ProgressWatcher(len(units), store, seconds_by_unit(units, store, machine)) as watcher:
                result = reproduce(chosen, name, watcher=watcher, **asked)
        _print(result, as_json=as_json)
    if result.outcome.failed:
        raise typer.Exit(FAILED)


def _command(claims: Sequence[str], *, quick: bool, suite: str | None, options: Options) -> str:
    """What others type to have these claims examined: without folders, and without the machine."""
    values = {"suite": suite, **{name: getattr(options, name) for name in ("seeds", "samples", "model", "epochs")}}
    flags = [text for name, value in values.items() if value is not None for text in (f"--{name}", f"{value}")]
    return shlex.join(["peephole", "reproduce", *claims, *(["--quick"] if quick else []), *flags])


def _print(result: Reproduced, *, as_json: bool) -> None:
    from peephole.claims.writing import FOLDER, PAGE, plain
    from peephole.cli.run_output import print_failures

    mine = [one for one in result.reproduction.results if one.name in result.examined]
    if as_json:
        from peephole.cli.tables import print_json

        found = replace(result.reproduction, results=tuple(mine))
        report = None if result.report is None else str(result.report)
        print_json({"folder": str(result.folder / FOLDER), "report": report, **plain(found)})
    else:
        from peephole.cli.claims_table import claims_table
        from peephole.cli.streams import console

        screen = console()
        screen.print(claims_table(mine, result.reproduction))
        screen.print(f"In {result.folder / FOLDER}: {PAGE} with all figures, claims.json.", soft_wrap=True)
        if result.report:
            screen.print(f"To look at it all: open {result.report}", soft_wrap=True)
        if result.unreported:
            say(f"peephole: {result.unreported}", error=True)
    print_failures(result.outcome, result.log)
