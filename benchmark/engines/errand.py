"""What travels to another process with the units that it is to compute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from peephole.engines.report import Report, write_report
from peephole.engines.work import compute
from peephole.machine import Machine
from peephole.models.weights import KnownFile
from peephole.store.store import Store
from peephole.submissions.submission import Submission
from peephole.units.base import Unit
from peephole.workspace import Workspace


@dataclass(frozen=True)
class Kit:
    """What a workspace is made of. Every path means the same on all machines that it travels to."""

    root: Path
    machine: Machine
    data: Path | None
    weights: str | Path | KnownFile | None
    submissions: tuple[Submission, ...]
    network: str | None

    @classmethod
    def of(cls, workspace: Workspace) -> Kit:
        """Of a workspace, with paths that do not depend on where a process was started."""
        weights, data = workspace.weights, workspace.data
        return cls(
            workspace.store.root.absolute(),
            workspace.machine,
            None if data is None else data.absolute(),
            weights.absolute() if isinstance(weights, Path) else weights,
            tuple(replace(one, source=one.source.absolute()) if one.source else one for one in workspace.submissions),
            workspace.network,
        )

    def on(self, device: str) -> Kit:
        """The same for another device, by one process."""
        return replace(self, machine=replace(self.machine, device=device, workers=1))

    def workspace(self) -> Workspace:
        """The workspace of this process: it stays from errand to errand, so that data sets are read once."""
        return _workspace(self)


@cache
def _workspace(kit: Kit) -> Workspace:
    return Workspace(Store(kit.root), kit.machine, kit.data, kit.weights, kit.submissions, kit.network)


def run_errand(units: Sequence[Unit], kit: Kit) -> Report:
    """In another process: compute a group."""
    return write_report(compute(units, kit.workspace(), lambda share: None))
