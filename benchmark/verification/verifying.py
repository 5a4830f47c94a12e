"""Verification: do the files say what the store says, and does the store say what the code of now gives?"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from peephole.engines.outcome import Watcher
from peephole.errors import PeepholeError
from peephole.leaderboard import alignment
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.tables import LEADERBOARD, SCORES, read_csv
from peephole.machine import Machine
from peephole.models.named import check_named
from peephole.plan import Plan
from peephole.request import read_request
from peephole.runner import Silent, plan_run
from peephole.store.folder import open_folder
from peephole.store.store import Store
from peephole.submissions.folder import stored
from peephole.units.base import in_order
from peephole.verification.drawing import draw
from peephole.verification.files import ROW, Files
from peephole.verification.finding import Finding
from peephole.verification.recomputing import recompute
from peephole.verification.result import VerifyResult, row_table
from peephole.verification.shards import check_shards
from peephole.verification.staleness import stale_lines, unaccounted
from peephole.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

SHARE = 0.05
"""Of each method's models that are made anew, if nothing else is said."""


def verify(
    folder: str | Path,
    *,
    share: float = SHARE,
    seed: int | None = None,
    machine: Machine | None = None,
    data: Path | None = None,
    watcher: Watcher | None = None,
    model: str | None = None,
) -> VerifyResult:
    """Say which rows of a run reproduce. Nothing in its folder is written to.

    The run is planned once more from its request.json. Then

    - rows whose units, as planned now, are not in the store are stale: they were made by other code; so are rows of
      another version of the benchmark,
    - every shard is compared with its sha256 and its receipt,
    - leaderboard.csv, scores.csv, models.csv, pictures.h5 and rows/ are derived anew from the store and compared with
      what is there, to the last cell,
    - of each method, on a random share of its models and one at least, the maps are made anew from the stored model,
      and from them the scores, by every metric and at every layer, and compared with the stored ones, see
      `peephole.verification.tolerance`; so are the levels between which metrics lie, on such a share of the models.
      Submissions run in processes of their own, as ever.

    Not made anew are the models themselves with their certificates, the probe pictures, and times.

    Args:
        folder: of the run, with its store.
        share: of each method's models, in [0,1]; with 0 nothing is made anew.
        seed: which of them; drawn if not given.
        machine: what to compute on, in one process.
        data: the folder with the user's data sets.
        watcher: told of the progress.
        model: the ``module:factory`` that the run's network is made by, if it is one of the user's own: its code is
            run, which no file can ask for.

    Raises:
        PeepholeError: there are no results, or tables without a store; the request cannot be read or planned, or names
            another network of one's own than ``model``; a table is none; or the device is not there.
    """
    if not 0 <= share <= 1:
        raise PeepholeError(f"--share is of the models and must be in [0, 1], not {share:g}.")
    if seed is not None and seed < 0:
        raise PeepholeError(f"--seed must be at least 0, not {seed}.")
    folder = open_folder(Path(folder), create=False)
    if not (folder / "store").is_dir():
        raise PeepholeError(
            f"{folder} has no store, and tables alone cannot be recomputed; verify the folder of the run that its rows "
            "come from."
        )
    request = read_request(folder)
    if request.options.model is not None and share > 0:
        check_named(request.options.model, model)
    submissions = stored(folder)
    plan = plan_run(request.suite, data=data, options=request.options, submissions=submissions)
    store = Store(folder / "store")
    workspace = Workspace(store, machine or Machine(), data, request.options.weights, submissions, model)
    if workspace.machine.device != "auto":
        _ = workspace.device  # a device that is not there is refused before anything is done
    seed = secrets.randbelow(2**32) if seed is None else seed
    sound, damaged = check_shards(plan.units, workspace.store)
    scores = read_csv(folder / SCORES)
    stale, lost = stale_lines(scores, plan, workspace.store, sound, damaged)
    files = Files(folder, request, plan, workspace, sound, scores, lost)
    differences = [*_damage(plan, damaged, scores), *unaccounted(scores, plan, sound, damaged), *files.compare()]
    drawn = draw(plan, sound, share, seed)
    with TemporaryDirectory(prefix="peephole-verify-", ignore_cleanup_errors=True) as scratch:
        found, more = recompute(drawn, workspace, Path(scratch), watcher or Silent())
    workspace.close()
    every = _board_rows(folder, scores, files.cells)
    shown = set(every)
    differences += [one for one in more if not one.rows or one.rows & shown]
    return VerifyResult(
        folder,
        plan.suite.identifier,
        share,
        seed,
        row_table(every, differences, stale, found, _why_not(every, share)),
        tuple(differences),
        tuple(stale),
        (*files.notes, *_absent(plan, sound, damaged, scores)),
    )


def _damage(plan: Plan, damaged: dict[str, str], scores: pd.DataFrame) -> list[Finding]:
    """What is wrong with the store, and which rows hang on it."""
    hanging: dict[str, set[tuple[str, str]]] = {digest: set() for digest in damaged}
    for row in plan.rows:
        for unit in in_order([row.scores]):
            if unit.digest in hanging:
                hanging[unit.digest].add((row.method, "calibration" if row.is_calibration else "method"))
    every = list(scores[list(ROW)].drop_duplicates().itertuples(index=False, name=None))
    return [
        Finding(
            what.partition(" ")[0],
            what.partition(" ")[2],
            frozenset(row for row in every if row[:2] in hanging[digest]),
        )
        for digest, what in damaged.items()
    ]


def _board_rows(folder: Path, scores: pd.DataFrame, cells: Sequence[Cell]) -> list[alignment.Row]:
    """All rows that the files or the store know of."""
    try:
        ranked = read_csv(folder / LEADERBOARD)
    except PeepholeError:
        ranked = scores
    rows = [row for frame in (ranked, scores) for row in frame[list(ROW)].itertuples(index=False, name=None)]
    return list(dict.fromkeys([*rows, *(cell.row for cell in cells)]))


def _why_not(rows: Sequence[alignment.Row], share: float) -> dict[alignment.Row, str]:
    return dict.fromkeys(rows, "no share was asked for" if share == 0 else "there is nothing to compare with")


def _absent(plan: Plan, sound: frozenset[str], damaged: dict[str, str], scores: pd.DataFrame) -> list[str]:
    """Methods that were asked for and have no scores anywhere: they failed when the run was done."""
    there = set(scores["method"])
    known = {row.method for row in plan.rows if row.scores.digest in sound or row.scores.digest in damaged}
    absent = dict.fromkeys(row.method for row in plan.rows if row.method not in there | known)
    return [f"{method} was asked for and has no scores" for method in absent]
