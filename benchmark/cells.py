"""From stored scores to the board's cells."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.certificates import is_certified
from peephole.errors import PeepholeError
from peephole.leaderboard.cells import Cell
from peephole.plan import Backdoor, Plan, Row
from peephole.submissions.submission import METHOD
from peephole.units.probe_set import covered, selection_of, share_of
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
    certified = {row.backdoor.model.digest: is_certified(row.backdoor, plan, workspace) for row in rows}
    cells = [cell for row in rows for cell in _cells(row, certified[row.backdoor.model.digest], plan, workspace)]
    known = list(dict.fromkeys(cell.layer for cell in cells if cell.kind == "method"))
    unknown = [layer for layer in layers if layer not in known]
    if unknown and known:
        raise PeepholeError(f"there is no layer '{unknown[0]}'; the model's layers are: {', '.join(known)}.")
    return [cell for cell in cells if not layers or cell.layer in layers or cell.kind == "calibration"]


def _needed(row: Row) -> set[str]:
    """The digests of all that a row is read from."""
    backdoor = row.backdoor
    return {unit.digest for unit in (row.scores, row.maps, backdoor.probes, backdoor.model, backdoor.clean)}


def _cells(row: Row, certified: bool, plan: Plan, workspace: Workspace) -> Iterator[Cell]:
    shard = workspace.open(row.scores)
    arrays = {name: shard.read(name) for name in ("value", "valid", "chance", "best", "scored")}
    maps = workspace.store.facts(row.maps.kind, row.maps.digest)
    clean = workspace.store.facts(row.backdoor.clean.kind, row.backdoor.clean.digest)
    selection = selection_of(row.backdoor.probes, workspace)
    covers = np.zeros(len(selection), dtype=np.bool_)
    covers[covered(selection, share_of(row.scores))] = True
    common: dict[str, Any] = {
        "suite": plan.suite.identifier,
        "dataset": plan.suite.dataset.name,
        "model": plan.suite.model,
        "trigger": row.backdoor.trigger,
        "seed": row.backdoor.seed,
        "method": row.method,
        "kind": "calibration" if row.is_calibration else "method",
        "selection": selection,
        "ms_per_image": maps.get("ms_per_image", float("nan")),
        "passes": maps.get("passes", float("nan")),
        "certified": certified,
        "provenance": {
            "suite_version": str(plan.suite.version),
            "data_digest": clean["data_digest"],
            "model_digest": row.backdoor.model.digest[:16],
            "weights_digest": _weights_digest(row.backdoor, workspace),
            "method_digest": row.maps.spec["method_code"],
            "submission": _submission(row, workspace),
            **{name: maps[name] for name in ("torch_version", "device", "dtype", "peephole_version", "dirty")},
        },
    }
    for place, facts in enumerate(shard.facts["metrics"]):
        kept = arrays["scored"][place]
        if not kept.any():
            continue  # every picture is left out, whatever the map
        scored = covers.copy()
        scored[covers] = kept
        chance, best = (_spread(arrays[name][place, kept], scored, np.nan) for name in ("chance", "best"))
        value = _spread(arrays["value"][place][:, kept], scored, np.nan)
        valid = _spread(arrays["valid"][place][:, kept], scored, True)
        for index, layer in enumerate(shard.facts["layers"]):
            yield Cell(
                **common,
                **facts,
                layer=layer,
                scored=scored,
                value=value[index],
                chance=chance,
                best=best,
                valid=valid[index],
            )


def _weights_digest(backdoor: Backdoor, workspace: Workspace) -> str:
    """What two people compare to see that they speak of the same network, to the bit."""
    return str(workspace.store.facts(backdoor.model.kind, backdoor.model.digest).get("weights_digest", ""))


def _submission(row: Row, workspace: Workspace) -> str:
    """What was submitted; nothing for other methods."""
    if row.is_calibration or row.maps.spec["method"] != METHOD:
        return ""
    return next(one.described for one in workspace.submissions if one.name == row.method)


def _spread(values: NDArray[Any], scored: NDArray[np.bool_], missing: float | bool) -> NDArray[Any]:
    """Values of the scored pictures ``[..., n]`` in their places among all of them, ``[..., N]``."""
    spread = np.full((*values.shape[:-1], len(scored)), missing)
    spread[..., scored] = values
    return spread
