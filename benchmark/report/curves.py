"""The mean curves of a report: what networks say while pixels are exchanged in the order of maps."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peephole.certificates import passes
from peephole.leaderboard.report.contents import Curve
from peephole.plan import Plan, Row
from peephole.units.probe_set import covered, selection_of, share_of
from peephole.workspace import Workspace

Key = tuple[str, str, str, str]


@dataclass(frozen=True, eq=False)
class _Known:
    """The mean curve of the reported pictures of one model.

    Attributes:
        certified: whether the model met its gates.
        values: float64 ``[G]``.
        pictures: how many there are.
    """

    certified: bool
    values: NDArray[np.float64]
    pictures: int


def mean_curves(plan: Plan, workspace: Workspace, available: Collection[str]) -> tuple[Curve, ...]:
    """The curves of every method, calibration rows too, layer, trigger and metric that has some.

    As on the board, models that missed their gates do not count, unless all of a trigger did: then they are shown.

    Args:
        plan: of the run.
        workspace: to read its store with.
        available: digests of the units whose results are there.

    Raises:
        DamagedShard: a shard is not what was written.
    """
    found: dict[Key, list[_Known]] = {}
    for row in plan.rows:
        backdoor = row.backdoor
        needed = (row.scores, backdoor.probes, backdoor.model)
        if row.need == "network" and all(unit.digest in available for unit in needed):
            for key, known in _of_row(row, plan, workspace):
                found.setdefault(key, []).append(known)
    return tuple(_mean(key, models) for key, models in found.items())


def _of_row(row: Row, plan: Plan, workspace: Workspace) -> Iterator[tuple[Key, _Known]]:
    shard = workspace.open(row.scores)
    names = shard.facts["curves"]
    if not names:
        return
    backdoor = row.backdoor
    certificate = workspace.store.facts(backdoor.model.kind, backdoor.model.digest)["certificate"]
    certified = passes(certificate, plan.suite.gates_on(backdoor.trigger))
    selection = selection_of(backdoor.probes, workspace)
    reported = ~selection[covered(selection, share_of(row.scores))]
    of_metric = {entry["metric"]: place for place, entry in enumerate(shard.facts["metrics"])}
    scored = shard.read("scored")
    for name, curves in zip(names, shard.read("curve"), strict=True):
        chosen = reported & scored[of_metric[name]]
        if chosen.any():
            for layer, values in zip(
                shard.facts["layers"], curves[:, chosen].mean(axis=1, dtype=np.float64), strict=True
            ):
                yield (row.method, layer, backdoor.trigger, name), _Known(certified, values, int(chosen.sum()))


def _mean(key: Key, models: list[_Known]) -> Curve:
    counted = [known for known in models if known.certified] or models
    values = np.mean([known.values for known in counted], axis=0)
    return Curve(*key, values=values, pictures=sum(known.pictures for known in counted))
