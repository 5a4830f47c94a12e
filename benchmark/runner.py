"""A run: plan, compute what is missing, score, and write the tables and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from peephole.cells import collect
from peephole.certificates import MODELS, certificate_table
from peephole.engines.base import NAMING
from peephole.engines.outcome import Outcome, Watcher
from peephole.engines.run import run_units
from peephole.errors import PeepholeError
from peephole.heatmaps import draw_heatmaps
from peephole.kis import KisResult, write_kis
from peephole.leaderboard.board_folder import write_board
from peephole.leaderboard.tables import write_csv
from peephole.machine import Machine
from peephole.mending import until_whole
from peephole.models.named import is_own
from peephole.options import Options
from peephole.part import Part
from peephole.plan import Plan, make_plan
from peephole.report.writing import write_report
from peephole.request import request_of, write_request
from peephole.run_log import RunLog, logged
from peephole.store.folder import open_folder
from peephole.store.leftovers import sweep
from peephole.store.store import Store
from peephole.submissions.folder import stored
from peephole.submissions.submission import Submission
from peephole.suites.suite import load_suite
from peephole.trigger_sheet import draw_triggers
from peephole.turns import turn
from peephole.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

HEATMAPS = "heatmaps"
TRIGGERS = "triggers.png"


@dataclass(frozen=True)
class RunResult:
    """What a run gives.

    Attributes:
        folder: the output folder.
        suite: the identifier, with the user's changes.
        leaderboard, scores, models: the tables that were written.
        heatmaps: the pictures of maps that were written, one a trigger.
        triggers: the picture of all triggers, if there is one.
        kis: the study of key information sufficiency.
        outcome: what was computed, found, failed, left out.
        log: the file that says when, and how things failed.
        mended: shards that were damaged and were made anew.
        report: the first page of the web report, if one was asked for and could be written.
        unreported: why it could not be written, or empty.
    """

    folder: Path
    suite: str
    leaderboard: pd.DataFrame
    scores: pd.DataFrame
    models: pd.DataFrame
    heatmaps: tuple[Path, ...]
    triggers: tuple[Path, ...]
    kis: KisResult
    outcome: Outcome
    log: Path
    mended: int
    report: Path | None = None
    unreported: str = ""


@dataclass(frozen=True)
class PartResult:
    """What computing a part of a run gives: shards in the store, and nothing written beside it.

    Attributes:
        folder: the output folder.
        part: which.
        outcome: what was computed, found, failed, left out.
        log: the file that says when, and how things failed.
    """

    folder: Path
    part: Part
    outcome: Outcome
    log: Path


class Silent:
    """A watcher that says nothing."""

    def started(self, unit: object) -> None:
        """Nothing."""

    def progressed(self, unit: object, share: float) -> None:
        """Nothing."""

    def finished(self, unit: object, result: object) -> None:
        """Nothing."""


def plan_run(
    suite: str = "quick",
    *,
    data: Path | None = None,
    options: Options | None = None,
    submissions: Sequence[Submission] = (),
) -> Plan:
    """The plan of a run, without doing it. Arguments and errors as of `run_with`."""
    options = options or Options()
    changed = options.apply(load_suite(suite))
    return make_plan(changed, data=data, weights=options.weights_identity(changed), submissions=submissions)


def run(
    suite: str = "quick",
    *,
    out: str | Path,
    data: Path | None = None,
    machine: Machine | None = None,
    options: Options | None = None,
    watcher: Watcher | None = None,
    report: bool = True,
) -> RunResult:
    """Run a suite: poison, attribute, score. What is in the store of ``out`` already is not computed again.

    Methods that were submitted to ``out`` before are on its board, too, each computed in a process of its own.

    Args:
        suite: name, or name/version.
        out: the output folder; made if missing.
        data: the folder with the user's data sets.
        machine: what to compute on.
        options: changes to the suite.
        watcher: told of the progress.
        report: whether the web report is written, too.

    Raises:
        PeepholeError: a name that does not exist, data that is missing, a folder that is not ours, a device that is
            not there, weights that do not fit; or no backdoor was learnt, so that there is nothing to score.
    """
    folder = Path(out)
    given = partial(stored, folder)
    return run_with(
        given, suite, out=folder, data=data, machine=machine, options=options, watcher=watcher, report=report
    )


def run_with(
    given: Callable[[], Sequence[Submission]],
    suite: str = "quick",
    *,
    out: Path,
    data: Path | None = None,
    machine: Machine | None = None,
    options: Options | None = None,
    watcher: Watcher | None = None,
    accept: Callable[[Outcome], None] = lambda outcome: None,
    in_turn: bool = False,
    report: bool = True,
) -> RunResult:
    """`run` with just the submissions that are ``given`` besides the suite's methods.

    They are asked for again when it is our turn to write: what was submitted meanwhile is on the board, too.

    Other arguments are as of `run`. ``accept`` looks at what became of the units before anything is written beside the
    store, and may raise. It is our turn already if ``in_turn``.

    Raises:
        PeepholeError: see `run`; or what ``accept`` raises.
    """
    options = options or Options()
    submissions = tuple(given())
    plan = plan_run(suite, data=data, options=options, submissions=submissions)
    with begun(plan, out, machine, data, options, submissions, watcher) as (workspace, log):

        def write(outcome: Outcome, mended: int) -> RunResult:
            _raise_if_hopeless(plan, outcome)
            accept(outcome)
            result = _write(plan, _here(workspace), outcome, options, out, log, mended)
            if not report:
                return result
            try:
                return replace(result, report=write_report(plan, _here(workspace), outcome.available, out))
            except PeepholeError as error:  # the tables are written, and somebody waits for them
                log.say(f"no report: {error}")
                return replace(result, unreported=str(error))

        outcome = run_units(plan.units, workspace, log)
        log.again()
        if in_turn:
            return until_whole(plan.units, workspace, log, outcome, write)
        with turn(out, lambda: log.say("somebody else is writing the board; waiting")):
            workspace.submissions = tuple(given())
            if workspace.submissions != submissions:
                plan = plan_run(suite, data=data, options=options, submissions=workspace.submissions)
                outcome = run_units(plan.units, workspace, log).after(outcome)
            return until_whole(plan.units, workspace, log, outcome, write)


def run_part(
    part: Part,
    suite: str = "quick",
    *,
    out: str | Path,
    data: Path | None = None,
    machine: Machine | None = None,
    options: Options | None = None,
    watcher: Watcher | None = None,
) -> PartResult:
    """Compute a part of what `run` would, into the same store, and write no tables: `run` does when all are done.

    Arguments and errors are as of `run`. Parts may be computed at once, one after the other, on several machines that
    share the folder, and again: what several need, such as a poisoned model, is computed by one of them.
    """
    options, folder = options or Options(), Path(out)
    submissions = stored(folder)
    plan = plan_run(suite, data=data, options=options, submissions=submissions)
    with begun(plan, folder, machine, data, options, submissions, watcher) as (workspace, log):
        log.say(f"part {part}")
        return PartResult(folder, part, run_units(part.of(plan), workspace, log), log.path)


@contextmanager
def begun(
    plan: Plan,
    folder: Path,
    machine: Machine | None,
    data: Path | None,
    options: Options,
    submissions: Sequence[Submission],
    watcher: Watcher | None,
) -> Iterator[tuple[Workspace, RunLog]]:
    """A workspace and a log, after everything has been refused that can be before anything is written.

    Arguments are as of `run_with`; ``plan`` says what is going to be computed, or a part of it.
    """
    workspace = Workspace(Store(folder / "store"), machine, data, options.weights, submissions, plan.suite.model)
    try:
        NAMING.build(workspace.machine.engine).check(workspace)
        _check_network(plan, workspace)
        open_folder(folder, create=True)
        with logged(folder, watcher or Silent()) as log:
            log.say(f"{plan.suite.identifier}: {len(plan.units)} units; {workspace.machine}; in {folder.absolute()}")
            for note in workspace.dataset_notes(plan.suite.dataset.name, plan.suite.dataset.side):
                log.say(note)
            _sweep(workspace.store, log)
            with workspace.store.present(f"run of {plan.suite.identifier}"):
                yield workspace, log
    finally:
        workspace.close()


def _here(workspace: Workspace) -> Workspace:
    """For tables and pictures: where units were computed elsewhere, their device may not be on this machine."""
    machine = workspace.machine
    if machine.is_local:
        return workspace
    machine = replace(machine, device="auto", engine="local", workers=1)
    return Workspace(
        workspace.store, machine, workspace.data, workspace.weights, workspace.submissions, workspace.network
    )


def _sweep(store: Store, log: RunLog) -> None:
    """What an earlier run that was killed has left behind goes now."""
    try:
        swept = sweep(store)
    except OSError as error:
        log.say(f"what earlier runs left behind stays ({error})")
        return
    if swept.files or swept.leases:
        log.say(f"{len(swept.files)} leftovers of {swept.bytes} bytes and {swept.leases} dead leases taken away")


def _check_network(plan: Plan, workspace: Workspace) -> None:
    """Refuse a network of the user's own that cannot be built, and weights that do not fit, before writing anything."""
    clean = plan.backdoors[0].clean
    if not (clean.spec["weights"] or is_own(clean.spec["model"])) or workspace.store.receipt(clean.kind, clean.digest):
        return
    from peephole.units.networks import build, load_weights

    network = build(clean.spec["model"], workspace, clean.spec["dataset"], seed=0)
    if clean.spec["weights"]:
        load_weights(network, clean.spec, workspace)


def _raise_if_hopeless(plan: Plan, outcome: Outcome) -> None:
    """Where bad input left nothing to score, that is the answer: damaged pictures, too few epochs."""
    causes = [failure.error for failure in outcome.failed]
    scored = any(row.scores.digest in outcome.available for row in plan.rows)
    if causes and not scored and all(isinstance(cause, PeepholeError) for cause in causes):
        raise causes[0]


def _write(
    plan: Plan,
    workspace: Workspace,
    outcome: Outcome,
    options: Options,
    folder: Path,
    log: RunLog,
    mended: int,
) -> RunResult:
    """Write tables and pictures from what is in the store."""
    cells = collect(plan, workspace, outcome.available, options.layers)
    ranking, scores = write_board(cells, folder)
    models = certificate_table(plan, workspace, outcome.available)
    write_csv(models, folder / MODELS)
    write_request(request_of(plan, options), folder)
    triggers = draw_triggers(plan, workspace, outcome.available, folder / TRIGGERS)
    pictures = draw_heatmaps(plan, workspace, outcome.available, folder / HEATMAPS)
    kis = write_kis(plan, workspace, outcome.available, folder)
    return RunResult(
        folder,
        plan.suite.identifier,
        ranking,
        scores,
        models,
        tuple(pictures),
        tuple(triggers),
        kis,
        outcome,
        log.path,
        mended,
    )
