"""The report of an earlier run, from what its folder holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from peephole.errors import PeepholeError
from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.report.manifest import claim
from peephole.leaderboard.report.subject import Subject
from peephole.machine import Machine
from peephole.plan import Plan
from peephole.report.claims import with_claims
from peephole.report.gather import gather
from peephole.report.tables import gather_tables
from peephole.report.writing import INDEX, REPORT, pages_of, unwritable
from peephole.request import read_request
from peephole.runner import plan_run
from peephole.store.contents import store_in
from peephole.store.folder import open_folder
from peephole.store.store import DamagedShard, Store
from peephole.submissions.folder import stored
from peephole.workspace import Workspace


def reports_on(
    folders: Sequence[Path], data: Path | None = None, say: Callable[[str], None] = lambda sentence: None
) -> list[Path]:
    """Write the reports of several folders, each of which offers the others' data sets beside its own.

    Args:
        folders: of runs, such as those of several data sets; links between them stay good where they keep their places.
        data: the folder with the user's data sets.
        say: told what is missing in each.

    Returns:
        The first pages.

    Raises:
        PeepholeError: see `report_on`.
    """
    sites = [open_folder(folder, create=False) / REPORT for folder in folders]
    names = [_name(folder) for folder in folders]
    return [
        report_on(
            folder,
            data,
            say=say,
            siblings=[
                (name, quote(os.path.relpath(other / INDEX, site).replace(os.sep, "/")))
                for other, name in zip(sites, names, strict=True)
                if other != site
            ],
        )
        for folder, site in zip(folders, sites, strict=True)
    ]


def _name(folder: Path) -> str:
    """What a board is called among others."""
    facts = Subject(gather_tables(folder)).facts
    return f"{facts.get('dataset', '?')} ({facts.get('suite', '?')}), {folder.absolute().name}"


def report_on(
    folder: str | Path,
    data: Path | None = None,
    out: str | Path | None = None,
    siblings: Sequence[tuple[str, str]] = (),
    say: Callable[[str], None] = lambda sentence: None,
) -> Path:
    """Write the report of a folder of results. Nothing is computed and nothing else in the folder is written to.

    The run is planned once more from its request.json, to find its maps and curves in the store. Where it cannot be,
    or where something is missing or damaged, the report says so and shows the rest.

    Args:
        folder: of the run.
        data: the folder with the user's data sets.
        out: where to; ``report/`` in the folder if not given.
        siblings: reports of other boards that it offers, see `peephole.leaderboard.report.site.write_site`.
        say: told what is missing, as the report tells it.

    Returns:
        The first page.

    Raises:
        PeepholeError: it is no folder of results, the place holds pages of something else, or a file cannot be written.
    """
    folder = open_folder(Path(folder), create=False)
    site = folder / REPORT if out is None else Path(out)
    try:
        claim(site)
        contents = _contents(folder, data, site)
        for sentence in contents.missing:
            say(sentence)
        return pages_of(contents, site, siblings)
    except OSError as error:
        raise unwritable(site, error) from error


def _contents(folder: Path, data: Path | None, site: Path) -> Contents:
    try:
        store = store_in(folder)
        plan, workspace = _planned(folder, store, data)
        return _whole(plan, workspace, folder, site)
    except PeepholeError as error:
        tables = gather_tables(folder)
        without = f"Pictures and curves are not here, only what the tables say: {error}"
        return with_claims(replace(tables, missing=(*tables.missing, without)), folder, site)


def _planned(folder: Path, store: Store, data: Path | None) -> tuple[Plan, Workspace]:
    request, submissions = read_request(folder), stored(folder)
    plan = plan_run(request.suite, data=data, options=request.options, submissions=submissions)
    return plan, Workspace(store, Machine("cpu"), data, submissions=submissions)


def _whole(plan: Plan, workspace: Workspace, folder: Path, site: Path) -> Contents:
    """Everything; again without each shard that turns out to be damaged."""
    there = {kind: workspace.store.digests(kind) for kind in {unit.kind for unit in plan.units}}
    available = {unit.digest for unit in plan.units if unit.digest in there[unit.kind]}
    damaged: list[str] = []
    while True:
        try:
            contents = gather(plan, workspace, available, folder, site)
        except DamagedShard as damage:
            if damage.digest not in available:
                raise
            available.remove(damage.digest)
            damaged.append(
                f"store/{damage.kind}/{damage.digest}.h5 is damaged; do the run once more to have it made anew."
            )
        else:
            return replace(contents, missing=(*contents.missing, *damaged))
