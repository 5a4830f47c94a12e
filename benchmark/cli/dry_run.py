"""``peephole run --dry-run``: what would be done, how long, how large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from peephole.cli.streams import console
from peephole.cli.tables import duration, plan_table, print_json
from peephole.engines.base import NAMING
from peephole.estimate import DEVICE_KINDS, estimate, total_seconds, worker_count
from peephole.machine import Machine, device_kind
from peephole.options import Options
from peephole.part import Part
from peephole.runner import plan_run
from peephole.store.folder import refuse_foreign
from peephole.store.store import Store
from peephole.submissions.folder import stored
from peephole.units.base import Unit
from peephole.workspace import Workspace


def dry_run(
    suite: str,
    out: Path,
    data: Path | None,
    machine: Machine,
    options: Options,
    part: Part | None,
    *,
    as_json: bool,
    choose: bool,
) -> None:
    """Print the plan of a run. Arguments are as of `peephole.run`; ``choose`` a number of workers that pays."""
    workspace = Workspace(Store(out / "store"), machine, data, options.weights, network=options.model)
    plan = plan_run(suite, data=data, options=options, submissions=stored(out))
    refuse_foreign(out)
    NAMING.build(machine.engine).check(workspace)  # what is not there is refused here, too
    if choose:
        machine = replace(machine, workers=worker_count(plan.units, machine))
    subject = plan.suite.identifier
    print_units(
        plan.units if part is None else part.of(plan),
        subject if part is None else f"part {part} of {subject}",
        workspace.store,
        machine,
        as_json=as_json,
        suite=subject,
    )


def print_units(
    units: Sequence[Unit], subject: str, store: Store, machine: Machine, *, as_json: bool, suite: str
) -> None:
    """Print what computing units would take.

    Args:
        units: each after its inputs.
        subject: what they are of, in words.
        store: where their results would come from, or go to.
        machine: with as many workers as it is to have.
        as_json: for programs.
        suite: the identifier.
    """
    kind, workers = device_kind(machine.device), machine.workers
    estimates = estimate(units, store)
    todo = [one for one in estimates if not one.cached]
    summary: dict[str, Any] = {
        "suite": suite,
        "units": len(estimates),
        "cached": len(estimates) - len(todo),
        "device": kind,
        "estimated_seconds": round(total_seconds(estimates, kind, workers), 1),
        "estimated_hours": {
            device: round(total_seconds(estimates, device, workers) / 3600, 3) for device in DEVICE_KINDS
        },
        "estimated_bytes": sum(one.bytes for one in estimates),
        "workers": workers,
    }
    if as_json:
        whole = [
            {
                "kind": one.unit.kind,
                "digest": one.unit.digest,
                "label": one.unit.label,
                "cached": one.cached,
                "needs": [needed.digest for needed in one.unit.inputs.values()],
                "estimated_seconds": {device: round(seconds, 2) for device, seconds in one.seconds.items()},
                "estimated_bytes": one.bytes,
            }
            for one in estimates
        ]
        print_json({**summary, "plan": whole})
        return
    screen = console()
    screen.print(plan_table(estimates))
    times = " or ".join(f"{duration(total_seconds(estimates, device, workers))} on {device}" for device in DEVICE_KINDS)
    by = f" by {workers} workers" if workers > 1 else ""
    screen.print(
        f"{subject}: {summary['units']} units, {summary['cached']} of them in the store; about {times}{by}; "
        f"{summary['estimated_bytes'] / 1e6:.0f} MB in {store.root.parent}.",
        soft_wrap=True,
    )
