"""From stored scores to the board's cells."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.certificates import passes
from peephole.errors import PeepholeError
from peephole.leaderboard.cells import Cell
from peephole.plan import Plan, Row
from peephole.units.probe_set import covered, share_of
from peephole.workspace import Workspace


def collect(plan: Plan, workspace: Workspace, available: frozenset[str], layers: Collection[str] = ()) -> list[Cell]:
    """Every (method, layer, metric) of the plan whose scores are in the store.

    Args:
        plan: what was run.
        workspace: to read the shards with.
        available: digests of the units whose results are there.
        layers: only these layers of the methods; all if empty. Calibration rows always stay.

    Raises:
        PeepholeError: a layer that no model of the run has.
        DamagedShard: a shard is not what was written.
    """
    rows = [row for row in plan.rows if available.issuperset(_needed(row))]
    cells = [cell for row in rows for cell in _cells(row, plan, workspace)]
    known = list(dict.fromkeys(cell.layer for cell in cells if cell.kind == "method"))
    unknown = [layer for layer in layers if layer not in known]
    if unknown and known:
        raise PeepholeError(f"there is no layer '{unknown[0]}'; the model's layers are: {', '.join(known)}.")
    return [cell for cell in cells if not layers or cell.layer in layers or cell.kind == "calibration"]


def _needed(row: Row) -> set[str]:
    """The digests of all that a row is read from."""
    backdoor = row.backdoor
    return {unit.digest for unit in (row.scores, row.maps, backdoor.probes, backdoor.model, backdoor.clean)}


def _cells(row: Row, plan: Plan, workspace: Workspace) -> Iterator[Cell]:
    scores = workspace.open(row.scores)
    maps = workspace.store.facts(row.maps.kind, row.maps.digest)
    clean = workspace.store.facts(row.backdoor.clean.kind, row.backdoor.clean.digest)
    model = workspace.store.facts(row.backdoor.model.kind, row.backdoor.model.digest)
    selection = workspace.open(row.backdoor.probes).read("selection")
    covers = np.zeros(len(selection), dtype=np.bool_)
    covers[covered(selection, share_of(row.scores))] = True
    for place, facts in enumerate(scores.facts["metrics"]):
        scored = covers.copy()
        scored[covers] = kept = scores.read(f"{place}/scored")
        if not kept.any():
            continue
        chance, best = (_spread(scores.read(f"{place}/{name}")[kept], scored, np.nan) for name in ("chance", "best"))
        value = _spread(scores.read(f"{place}/value")[:, kept], scored, np.nan)
        valid = _spread(scores.read(f"{place}/valid")[:, kept], scored, True)
        for index, layer in enumerate(scores.facts["layers"]):
            yield Cell(
                suite=plan.suite.identifier,
                dataset=plan.suite.dataset.name,
                model=plan.suite.model,
                trigger=row.backdoor.trigger,
                seed=row.backdoor.seed,
                method=row.method,
                kind="calibration" if row.is_calibration else "method",
                layer=layer,
                metric=facts["metric"],
                scored=scored,
                value=value[index],
                chance=chance,
                best=best,
                valid=valid[index],
                selection=selection,
                ms_per_image=maps.get("ms_per_image", float("nan")),
                passes=maps.get("passes", float("nan")),
                direction=facts["direction"],
                core=facts["core"],
                certified=passes(model["certificate"], plan.suite.gates_on(row.backdoor.trigger)),
                provenance={
                    "suite_version": str(plan.suite.version),
                    "data_digest": clean["data_digest"],
                    "model_digest": row.backdoor.model.digest[:16],
                    "method_digest": row.maps.spec["method_code"],
                    "torch_version": maps["torch_version"],
                    "device": maps["device"],
                    "dtype": maps["dtype"],
                    "peephole_version": maps["peephole_version"],
                    "dirty": maps["dirty"],
                },
            )


def _spread(values: NDArray[Any], scored: NDArray[np.bool_], missing: float | bool) -> NDArray[Any]:
    """Values of the scored pictures ``[..., n]`` in their places among all of them, ``[..., N]``."""
    spread = np.full((*values.shape[:-1], len(scored)), missing)
    spread[..., scored] = values
    return spread
