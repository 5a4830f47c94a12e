"""Making maps and scores anew, from the stored models."""

from __future__ import annotations

from pathlib import Path

from peephole.engines.outcome import Watcher
from peephole.engines.run import run_units
from peephole.units.base import Unit, in_order
from peephole.units.maps import Maps
from peephole.verification.comparing import (
    Recomputed,
    compare_levels,
    compare_maps,
    compare_scores,
    row_of,
    where_of,
)
from peephole.verification.drawing import Drawn
from peephole.verification.finding import Finding
from peephole.verification.overlay import OverlayStore
from peephole.workspace import Workspace


def recompute(
    drawn: Drawn, workspace: Workspace, scratch: Path, watcher: Watcher
) -> tuple[list[Recomputed], list[Finding]]:
    """Make the maps of the drawn rows anew, of the clean twin too where there are some, and the scores from them.

    Models, probe pictures and the levels that are not drawn are taken from the store.

    Args:
        drawn: all that it needs is in the store.
        workspace: of the results, whose store is only read.
        scratch: an empty folder.
        watcher: told of the progress.
    """
    anew: list[Unit] = list(drawn.levels)
    for row in drawn.rows:
        other = row.scores.inputs.get("other_maps")
        anew += [row.maps, *([other] if isinstance(other, Maps) else []), row.scores]
    store = OverlayStore(scratch, workspace.store, {unit.digest for unit in anew})
    own = Workspace(
        store, workspace.machine, workspace.data, workspace.weights, workspace.submissions, workspace.network
    )
    found: list[Recomputed] = []
    findings: list[Finding] = []
    compared: set[str] = set()
    try:
        outcome = run_units(in_order(anew), own, watcher)
        failed = {failure.unit.digest: failure.reason for failure in outcome.failed}
        findings += [finding for unit in drawn.levels for finding in compare_levels(unit, failed, workspace, own)]
        for row in drawn.rows:
            broken = [failed[unit.digest] for unit in in_order([row.scores]) if unit.digest in failed]
            if broken:
                rows = frozenset(row_of(row, layer) for layer in workspace.open(row.scores).facts["layers"])
                findings.append(Finding(where_of(row), f"it fails now: {broken[0]}", rows))
                continue
            if row.maps.digest not in compared:
                compared.add(row.maps.digest)
                findings += compare_maps(row, workspace, own)
            for result, more in compare_scores(row, workspace, own):
                found.append(result)
                findings += more
    finally:
        own.close()
    return found, findings
