"""A Slurm cluster: an array of tasks that share the plan among themselves."""

from __future__ import annotations

import shlex
import shutil
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from peephole.engines.base import ENGINES, Engine
from peephole.engines.errand import Kit
from peephole.engines.failures import Failures
from peephole.engines.outcome import Watcher
from peephole.engines.schedule import Schedule
from peephole.engines.slurm_array import Array, require, submit
from peephole.engines.slurm_head import wait
from peephole.engines.slurm_worker import Worker, write_errand
from peephole.errors import PeepholeError
from peephole.machine import Machine
from peephole.workspace import Workspace

WARNING = 120
"""Seconds before a task's end at which it is told, to save its training and to be put into the queue again."""


@ENGINES.register
@dataclass(frozen=True)
class Slurm(Engine):
    """One array job with as many tasks as the machine has workers, see `peephole.engines.slurm_worker`.

    The tasks need nobody who gives out work: should the process that waits for them end, they go on, and the same
    command, given again, works along with them. Stopped by ctrl-C it cancels them. Logs are in ``logs/slurm``.

    Attributes:
        partition, account, qos: as for sbatch; by default the cluster's.
        time: minutes of a task. When they are over it is put into the queue again, and a training goes on.
        gpus: of a task; by default none, or ``--devices`` where the device is ``cuda``.
        cpus: processor cores of a task, and threads of its computations.
        mem_gb: memory of a task in GB; by default the cluster's.
        setup: a shell command before anything else, such as ``module load cuda``.
        sbatch: further options of sbatch, such as ``--constraint=a100 --exclude=node7``.
    """

    title: ClassVar[str] = "a Slurm cluster: an array of --workers tasks that share the plan; needs submitit"

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    time: Annotated[int, Field(gt=0)] = 240
    gpus: Annotated[int, Field(ge=0)] | None = None
    cpus: Annotated[int, Field(gt=0)] = 4
    mem_gb: Annotated[float, Field(gt=0)] | None = None
    setup: str | None = None
    sbatch: str | None = None

    def __post_init__(self) -> None:
        for flag in shlex.split(self.sbatch or ""):
            if not flag.startswith("--"):
                raise ValueError(f"sbatch: expected options such as --constraint=a100, not {flag}")

    def check(self, workspace: Workspace) -> None:
        """Submitit and Slurm's commands; the device has to be where the tasks are."""
        require()

    def run(self, schedule: Schedule, workspace: Workspace, watcher: Watcher) -> None:
        """Submit the tasks, and wait until they have done everything or have all ended."""
        require()
        if not schedule.open:
            return
        run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}"
        folder = (workspace.store.root.parent / "logs" / "slurm" / run).absolute()
        errand = folder / "errand.pkl"
        failures = Failures(workspace.store, run)
        failures.begin()
        try:
            array = self._submit(schedule, workspace, Worker(errand, run))
            try:
                wait(schedule, array, failures, workspace.store, watcher)
            except BaseException:
                array.cancel()
                raise
            array.cancel(waiting=True)
        finally:
            failures.end()
            errand.unlink(missing_ok=True)

    def _submit(self, schedule: Schedule, workspace: Workspace, worker: Worker) -> Array:
        machine, folder = workspace.machine, worker.errand.parent
        device = "cuda" if self._gpus(machine) else "cpu"
        try:
            folder.mkdir(parents=True)
            write_errand(worker.errand, tuple(schedule.units), Kit.of(workspace).on(device))
            return submit(worker, min(machine.workers, len(schedule.open)), folder, self.parameters(machine))
        except PeepholeError:
            shutil.rmtree(folder, ignore_errors=True)  # of a job that there never was
            raise
        except OSError as error:
            raise workspace.store.refused(error) from error

    def parameters(self, machine: Machine) -> dict[str, Any]:
        """Of `submitit.SlurmExecutor`."""
        given = {
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "gpus_per_node": self._gpus(machine) or None,
            "mem": f"{round(1024 * self.mem_gb)}M" if self.mem_gb else None,
        }
        return {name: value for name, value in given.items() if value is not None} | {
            "job_name": "peephole",
            "time": self.time,
            "cpus_per_task": self.cpus,
            # Steps do not inherit the number since Slurm 22.05.
            "srun_args": [f"--cpus-per-task={self.cpus}"],
            "setup": [f"export OMP_NUM_THREADS={self.cpus}", *([self.setup] if self.setup else [])],
            "signal_delay_s": min(WARNING, 30 * self.time),
            "stderr_to_stdout": True,
            "wckey": None,
            "array_parallelism": machine.workers,
            "additional_parameters": {"requeue": True, **self._further()},
        }

    def _gpus(self, machine: Machine) -> int:
        if self.gpus is not None:
            return self.gpus
        return machine.devices if machine.device.startswith("cuda") else 0

    def _further(self) -> dict[str, str | bool]:
        flags = [flag.removeprefix("--").partition("=") for flag in shlex.split(self.sbatch or "")]
        return {name: value if equals else True for name, equals, value in flags}
