"""What figures are made of: the tables of a run, its plan and its store, each read when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from peephole.engines.outcome import Watcher
from peephole.engines.run import run_units
from peephole.errors import PeepholeError
from peephole.leaderboard.stored_board import StoredBoard, open_board
from peephole.leaderboard.tables import LEADERBOARD, SCORES, read_csv
from peephole.machine import Machine
from peephole.plan import Backdoor, Plan
from peephole.request import read_request
from peephole.runner import Silent, plan_run
from peephole.store.folder import open_folder
from peephole.store.store import Store
from peephole.submissions.folder import stored
from peephole.texts.matching import all_of
from peephole.units.base import Unit, in_order
from peephole.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd


class Results:
    """The folder of a run.

    Args:
        folder: of the run.
        data: the folder with the user's data sets.
        machine: what to compute on, where a figure needs what the run has not computed.
        watcher: told of the progress of that.
        network: the network of the user's own that the run is of, where the user named it.

    Raises:
        PeepholeError: it holds no results.
    """

    def __init__(
        self,
        folder: Path,
        data: Path | None = None,
        machine: Machine | None = None,
        watcher: Watcher | None = None,
        network: str | None = None,
    ) -> None:
        self.folder = open_folder(folder, create=False)
        self._data, self._machine, self._watcher = data, machine or Machine(), watcher or Silent()
        self._network = network

    @cached_property
    def stored(self) -> StoredBoard:
        """The board, with the scores picture by picture if they are there.

        Raises:
            PeepholeError: there is no board, or it was written by an earlier version.
        """
        return open_board(self.folder)

    @property
    def board(self) -> pd.DataFrame:
        """leaderboard.csv; errors as of `stored`."""
        if not (self.folder / LEADERBOARD).is_file():
            raise PeepholeError(f"{self.folder} has no {LEADERBOARD} (yet); finish the run first: peephole run.")
        return self.stored.summary

    @cached_property
    def scores(self) -> pd.DataFrame:
        """scores.csv.

        Raises:
            PeepholeError: it is not there.
        """
        if not (self.folder / SCORES).is_file():
            raise PeepholeError(f"{self.folder} has no {SCORES} (yet); finish the run first: peephole run.")
        return read_csv(self.folder / SCORES)

    @cached_property
    def plan(self) -> Plan:
        """What the run was asked, planned once more.

        Raises:
            PeepholeError: the folder does not say, or the data set is missing.
        """
        request = read_request(self.folder)
        return plan_run(request.suite, data=self._data, options=request.options, submissions=stored(self.folder))

    @cached_property
    def workspace(self) -> Workspace:
        """To read the store with.

        Raises:
            PeepholeError: there is none.
        """
        place = self.folder / "store"
        if not place.is_dir():
            raise PeepholeError(f"{self.folder} has no store, which this figure is made of; give the folder of a run.")
        return Workspace(Store(place), self._machine, self._data, None, stored(self.folder), self._network)

    def has(self, unit: Unit) -> bool:
        """Whether the store has the result of ``unit``."""
        return self.workspace.store.receipt(unit.kind, unit.digest) is not None

    def backdoors(self, triggers: Sequence[str]) -> list[Backdoor]:
        """The first seed's backdoors of these triggers; of all if none is named.

        Raises:
            UnknownName: a trigger that the run does not have.
        """
        known = {backdoor.trigger: backdoor for backdoor in self.plan.first}
        return [known[name] for name in all_of(triggers, "trigger of this run", list(known)) or known]

    def compute(self, units: Sequence[Unit]) -> None:
        """Have units computed whose inputs are in the store; what is there already is not computed again.

        Raises:
            PeepholeError: an input is not in the store, as the code of now would make it; or a unit failed.
        """
        for unit in units:
            for needed in unit.inputs.values():
                if not self.has(needed):
                    raise PeepholeError(
                        f"the store of {self.folder} lacks what this figure starts from ('{needed.label}'), as this "
                        "version of peephole makes it; run the same suite once more."
                    )
        outcome = run_units(in_order(units), self.workspace, self._watcher)
        for failure in outcome.failed:
            raise PeepholeError(f"{failure.unit.label}: {failure.reason}")
