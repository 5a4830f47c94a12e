"""A run: plan, compute what is missing, score, and write the tables and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from peephole.cells import collect
from peephole.certificates import certificate_table
from peephole.engines.local import Outcome, Watcher, run_units
from peephole.errors import PeepholeError
from peephole.heatmaps import draw_heatmaps
from peephole.leaderboard.board import board
from peephole.leaderboard.scores import score_table
from peephole.leaderboard.tables import write_csv
from peephole.options import Options
from peephole.plan import Plan, make_plan
from peephole.store.folder import open_folder
from peephole.store.store import DamagedShard, Store
from peephole.suites.suite import load_suite
from peephole.workspace import BATCH, Workspace

if TYPE_CHECKING:
    import pandas as pd

LEADERBOARD = "leaderboard.csv"
SCORES = "scores.csv"
MODELS = "models.csv"
HEATMAPS = "heatmaps"


@dataclass(frozen=True)
class RunResult:
    """What a run gives.

    Attributes:
        folder: the output folder.
        suite: the identifier, with the user's changes.
        leaderboard, scores, models: the tables that were written.
        heatmaps: the pictures that were written.
        outcome: what was computed, found, failed, left out.
    """

    folder: Path
    suite: str
    leaderboard: pd.DataFrame
    scores: pd.DataFrame
    models: pd.DataFrame
    heatmaps: tuple[Path, ...]
    outcome: Outcome


class Silent:
    """A watcher that says nothing."""

    def started(self, unit: object) -> None:
        """Nothing."""

    def progressed(self, unit: object, share: float) -> None:
        """Nothing."""

    def finished(self, unit: object) -> None:
        """Nothing."""


def plan_run(suite: str = "quick", *, data: Path | None = None, options: Options | None = None) -> Plan:
    """The plan of a run, without doing it. Arguments and errors as of `run`."""
    options = options or Options()
    return make_plan(options.apply(load_suite(suite)), data=data, weights_digest=options.weights_digest())


def run(
    suite: str = "quick",
    *,
    out: str | Path,
    data: Path | None = None,
    device: str = "auto",
    options: Options | None = None,
    batch: int = BATCH,
    watcher: Watcher | None = None,
) -> RunResult:
    """Run a suite: poison, attribute, score. What is in the store of ``out`` already is not computed again.

    Args:
        suite: name, or name/version.
        out: the output folder; made if missing.
        data: the folder with the user's data sets.
        device: a torch device, or ``"auto"``.
        options: changes to the suite.
        batch: pictures a pass of an explanation; no result depends on it.
        watcher: told of the progress.

    Raises:
        PeepholeError: a name that does not exist, data that is missing, a folder that is not ours, a device that is
            not there, weights that do not fit; or no backdoor was learnt, so that there is nothing to score.
    """
    options = options or Options()
    plan = plan_run(suite, data=data, options=options)
    folder = Path(out)
    workspace = Workspace(Store(folder / "store"), device, data, options.weights, batch)
    if device != "auto":
        _ = workspace.device  # a device that is not there is refused before anything is written
    if options.weights is not None:
        _check_weights(plan, workspace, options.weights)
    open_folder(folder, create=True)
    damaged: set[str] = set()
    while True:
        outcome = run_units(plan.units, workspace, watcher or Silent())
        _raise_if_hopeless(plan, outcome)
        try:
            return _write(plan, workspace, outcome, options, folder)
        except DamagedShard as damage:
            if damage.digest in damaged:
                raise PeepholeError(
                    f"{damage} again after it was made anew; check the disk below {folder}."
                ) from damage
            damaged.add(damage.digest)
            workspace.store.discard(damage.kind, damage.digest)  # and make it again


def _check_weights(plan: Plan, workspace: Workspace, file: Path) -> None:
    """Refuse a file that does not fit the model before anything is written."""
    from peephole.units.networks import build, load_file

    spec = plan.backdoors[0].clean.spec
    load_file(file, build(spec["model"], workspace, spec["dataset"], seed=0))


def _raise_if_hopeless(plan: Plan, outcome: Outcome) -> None:
    """Where bad input left nothing to score, that is the answer: damaged pictures, too few epochs."""
    causes = [failure.error for failure in outcome.failed]
    scored = any(row.scores.digest in outcome.available for row in plan.rows)
    if causes and not scored and all(isinstance(cause, PeepholeError) for cause in causes):
        raise causes[0]


def _write(plan: Plan, workspace: Workspace, outcome: Outcome, options: Options, folder: Path) -> RunResult:
    """Write tables and pictures from what is in the store."""
    cells = collect(plan, workspace, outcome.available, options.layers)
    scores, ranking = score_table(cells), board(cells)
    models = certificate_table(plan, workspace, outcome.available)
    write_csv(scores, folder / SCORES)
    write_csv(ranking, folder / LEADERBOARD)
    write_csv(models, folder / MODELS)
    pictures = draw_heatmaps(plan, workspace, outcome.available, folder / HEATMAPS)
    return RunResult(folder, plan.suite.identifier, ranking, scores, models, tuple(pictures), outcome)
