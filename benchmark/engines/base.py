"""What an engine is, and which there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from peephole.registry import Registry
from peephole.texts.grammar import Grammar
from peephole.texts.naming import Naming

if TYPE_CHECKING:
    from peephole.engines.outcome import Watcher
    from peephole.engines.schedule import Schedule
    from peephole.workspace import Workspace


class Engine(ABC):
    """Has units computed somewhere.

    Whatever it is, a unit is computed by `peephole.engines.work.compute` under a lease, in a process that sees the
    store's folder. Units may be given out twice and processes may die: engines need not be careful.

    Attributes:
        title: what it is, in one line.
    """

    title: ClassVar[str]

    @abstractmethod
    def check(self, workspace: Workspace) -> None:
        """Refuse what cannot be had, before anything is written.

        Raises:
            PeepholeError: the engine, or the device, cannot be had.
        """

    @abstractmethod
    def run(self, schedule: Schedule, workspace: Workspace, watcher: Watcher) -> None:
        """Work off ``schedule``: until nothing is due and nobody else computes what is needed.

        Units of one group that are due are given out together. A unit that fails does not end the others.

        Args:
            schedule: takes what became of the units.
            workspace: the store, the data and the machine to compute on.
            watcher: told of what is begun.

        Raises:
            PeepholeError: the engine cannot be had here; or the disk did not take a result.
        """


ENGINES: Registry[type[Engine]] = Registry("engine", "peephole.engines.kinds", group="peephole.engines")
NAMING: Naming[Engine] = Naming(
    ENGINES, Grammar("engine", ("local", "ray(address=auto, num_gpus=1)", "slurm(partition=gpu)"), nested=False)
)
