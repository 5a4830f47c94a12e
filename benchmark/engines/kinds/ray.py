"""A Ray cluster, or Ray on this machine: units as its tasks."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from peephole.engines.base import ENGINES, Engine
from peephole.engines.dispatch import dispatch
from peephole.engines.errand import Kit
from peephole.engines.outcome import Watcher
from peephole.engines.ray_cluster import check_ray, cluster, places
from peephole.engines.ray_worker import Passport, visit
from peephole.engines.report import Report
from peephole.engines.schedule import Schedule
from peephole.errors import PeepholeError
from peephole.machine import Machine
from peephole.store.store import Store
from peephole.units.base import Unit
from peephole.workspace import Workspace

AHEAD = 2
"""Groups under way for each that can be computed at once: nobody waits for work, and the cluster may grow."""
GRACE = 10.0
"""Seconds for trainings to save their states when a run is interrupted."""


@ENGINES.register
@dataclass(frozen=True)
class Ray(Engine):
    """Each group of units is a task of Ray. Ray gives tasks of lost workers and nodes to others.

    All nodes must see the output folder, and data and weights, under the same path, and have the same peephole.

    Attributes:
        address: by default, Ray is started on this machine; ``auto`` or ``HOST:PORT`` joins a cluster.
        num_gpus: of a group; by default ``--devices`` where the cluster has GPUs, unless ``--device`` is ``cpu``.
        num_cpus: processor cores of a group, and threads of its computations.
        retries: how often Ray itself gives a group whose process or node was lost to another.
    """

    title: ClassVar[str] = "a Ray cluster, or Ray on this machine: groups of units are its tasks; needs ray"

    address: str | None = None
    num_gpus: Annotated[float, Field(ge=0)] | None = None
    num_cpus: Annotated[int, Field(gt=0)] = 1
    retries: Annotated[int, Field(ge=0)] = 1

    def __post_init__(self) -> None:
        if self.num_gpus and self.num_gpus > 1 and self.num_gpus % 1:
            raise ValueError(f"num_gpus: above 1 it has to be a whole number, not {self.num_gpus:g}")

    def check(self, workspace: Workspace) -> None:
        """Ray is installed, and something answers where it is said to be."""
        check_ray(self.address)
        kind = workspace.machine.device.partition(":")[0]
        if kind not in ("auto", "cpu", "cuda") or (kind == "cpu" and self.num_gpus):
            raise PeepholeError(f"ray computes on --device cuda, or cpu with num_gpus=0, not on {kind}.")

    def run(self, schedule: Schedule, workspace: Workspace, watcher: Watcher) -> None:
        """Submit tasks until all is done. Interrupted, it cancels them: trainings save their states."""
        self.check(workspace)
        if not schedule.open:
            return
        with cluster(self.address) as ray, _sign(workspace.store) as sign:
            num_gpus = self.gpus(workspace.machine, ray.cluster_resources().get("GPU", 0))
            count = places(ray.nodes(), self.num_cpus, num_gpus)
            needs = {"num_cpus": self.num_cpus, "num_gpus": num_gpus, "max_retries": self.retries}
            kit = ray.put(pickle.dumps(Kit.of(workspace).on("cuda" if num_gpus else "cpu")))
            passport = Passport.of(workspace.store.root, sign)
            with Tasks(ray, needs, (kit, passport, self.num_cpus)) as tasks:
                dispatch(schedule, AHEAD * count, tasks.submit, watcher, deaths(ray))

    def gpus(self, machine: Machine, there: float) -> float:
        """The GPUs of a group, in a cluster that has so many."""
        if self.num_gpus is not None:
            return self.num_gpus
        kind = machine.device.partition(":")[0]
        return machine.devices if kind == "cuda" or (kind == "auto" and there) else 0


def deaths(ray: Any) -> tuple[type[Exception], ...]:
    """What Ray raises for a task that was lost with its process or node."""
    errors = ray.exceptions
    return (
        errors.WorkerCrashedError,
        errors.NodeDiedError,
        errors.LocalRayletDiedError,
        errors.OutOfMemoryError,
        errors.ObjectLostError,
    )


class Tasks:
    """Groups as tasks of Ray, cancelled if the block ends by an error.

    Args:
        ray: the library, connected.
        needs: resources and retries of a task.
        common: what every task is given besides its units.
    """

    def __init__(self, ray: Any, needs: dict[str, Any], common: tuple[Any, ...]) -> None:
        self._ray = ray
        self._task = ray.remote(**needs)(visit)
        self._common = common
        self._references: dict[Future[Report], Any] = {}

    def submit(self, units: Sequence[Unit]) -> Future[Report]:
        """A task that computes a group."""
        kit, passport, threads = self._common
        reference = self._task.options(name=units[0].label).remote(pickle.dumps(list(units)), kit, passport, threads)
        future: Future[Report] = Future()
        self._references[future] = reference
        reference.future().add_done_callback(partial(self._finish, future))
        return future

    def _finish(self, future: Future[Report], done: Future[Report | str]) -> None:
        """In a thread of Ray's: what it says, in our terms."""
        self._references.pop(future, None)
        error = done.exception()
        if error is None:
            result = done.result()
            if isinstance(result, str):
                future.set_exception(PeepholeError(result))
            else:
                future.set_result(result)
        elif isinstance(error, deaths(self._ray)):
            future.set_exception(error)
        else:
            reason = next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), "no reason")
            future.set_exception(PeepholeError(f"a worker of Ray cannot compute ({reason}); look at that node."))

    def __enter__(self) -> Tasks:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        end = time.monotonic() + GRACE
        left = list(self._references.values())
        for force in (False, True):
            for reference in left:
                self._ray.cancel(reference, force=force)
            left = (
                self._ray.wait(left, num_returns=len(left), timeout=max(0.0, end - time.monotonic()))[1] if left else []
            )


@contextmanager
def _sign(store: Store) -> Iterator[Path]:
    """A folder that only those see who see the store, under a lease: nobody takes it for a leftover."""
    with ExitStack() as stack:
        try:
            stack.enter_context(store.present("gives out work by Ray"))
            sign = stack.enter_context(store.scratch())
        except OSError as error:
            raise store.refused(error) from error
        yield sign
