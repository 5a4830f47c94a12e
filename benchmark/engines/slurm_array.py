"""An array of Slurm tasks: submitted, asked about, cancelled."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peephole.engines.slurm_worker import SAID
from peephole.errors import PeepholeError

COMMANDS = ("sbatch", "srun", "squeue", "scancel")
REQUEUES = 100
"""Times that a task goes on after its time was up."""
ASK = 10.0
"""Seconds between two questions to the controller, which serves everybody."""
FORGOTTEN = "unknown to Slurm"
_OVER = frozenset(
    {
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL"),
        *("OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT", FORGOTTEN),
    }
)


class Array:
    """Tasks of one array.

    Args:
        jobs: as submitit returns them.
    """

    def __init__(self, jobs: list[Any]) -> None:
        self.logs: dict[str, Path] = {str(job.job_id): Path(job.paths.stdout) for job in jobs}
        self.number = next(iter(self.logs)).partition("_")[0]
        self._states: dict[str, str] = {}
        self._asked = float("-inf")
        self._all_over = 0

    @property
    def is_over(self) -> bool:
        """Whether all tasks have ended for good: seen twice, since one that is put into the queue again seems to have
        ended for a moment. The controller is asked every `ASK` seconds at most.
        """
        if time.monotonic() - self._asked >= ASK:
            self._asked = time.monotonic()
            self._ask()
            self._all_over = self._all_over + 1 if all(self._states[task] in _OVER for task in self.logs) else 0
        return self._all_over > 1

    def last_words(self) -> str:
        """Of the first task that did not just finish: how it ended, its log, and what it said there."""
        task = next((task for task in self.logs if self._states[task] != "COMPLETED"), next(iter(self.logs)))
        log = self.logs[task]
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
        said = next((line.removeprefix(SAID) for line in reversed(lines) if line.startswith(SAID)), None)
        return f"task {task} ended as {self._states[task]}, see {log}" + (f": {said}" if said else "")

    def cancel(self, *, waiting: bool = False) -> None:
        """End all tasks, or those that only ``waiting`` for their turn."""
        state = ["--state=PENDING"] if waiting else []
        subprocess.run(["scancel", *state, self.number], capture_output=True, check=False)

    def _ask(self) -> None:
        command = ["squeue", "--noheader", "--all", "--array", "--states=all", "--format=%i|%T", "--jobs", self.number]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode and "Invalid job id" not in answer.stderr:
            self._states = {task: self._states.get(task, "PENDING") for task in self.logs}
            return  # the controller is busy or away
        lines = (line.strip().partition("|") for line in answer.stdout.splitlines())
        told = {task: state for task, _, state in lines}
        known = self._states
        for task in self.logs:  # the controller forgets tasks some minutes after they have ended
            known[task] = told.get(task) or (known[task] if known.get(task) in _OVER else FORGOTTEN)


def require() -> None:
    """Whether tasks can be submitted from here.

    Raises:
        PeepholeError: there is no submitit or no Slurm.
    """
    if importlib.util.find_spec("submitit") is None:
        raise PeepholeError("engine slurm needs submitit: pip install 'peephole[slurm]'.")
    missing = [command for command in COMMANDS if shutil.which(command) is None]
    if missing:
        raise PeepholeError(
            f"engine slurm needs {', '.join(missing)} on the PATH; give the command on a login node of the cluster, "
            "or use --shard I/N in jobs of your own."
        )


def submit(work: Callable[[int], None], count: int, folder: Path, parameters: Mapping[str, Any]) -> Array:
    """Have ``work`` called by ``count`` tasks, each with its number.

    Args:
        work: has a method ``checkpoint`` with the same argument, see submitit.
        count: of tasks.
        folder: of logs, which all machines see.
        parameters: of `submitit.SlurmExecutor`.

    Raises:
        PeepholeError: Slurm refuses.
    """
    from submitit import SlurmExecutor
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    executor = SlurmExecutor(folder, max_num_timeout=REQUEUES)
    executor.update_parameters(**parameters)
    try:
        with _outside_of_jobs():
            return Array(executor.map_array(work, range(count)))
    except (FailedJobError, FailedSubmissionError) as error:
        raise PeepholeError(f"Slurm refuses the job: {_reason(str(error))}.") from None


@contextmanager
def _outside_of_jobs() -> Iterator[None]:
    """As if this process were in no job itself: sbatch would take what that was given for what is asked for."""
    if "SLURM_JOB_ID" not in os.environ:
        yield
        return
    from submitit.helpers import clean_env

    conf = {name: value for name, value in os.environ.items() if name == "SLURM_CONF"}
    with clean_env():
        os.environ.update(conf)
        yield


def _reason(said: str) -> str:
    """Slurm's last line without who says it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return re.sub(r"^sbatch: (error: )?(Batch job submission failed: )?", "", lines[-1]).rstrip(".") if lines else "?"
