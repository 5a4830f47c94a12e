"""The measured truth of a report: what the certificates say of the parts of the triggers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from peephole.certificates import success_lost
from peephole.leaderboard.report.contents import MeasuredTruth
from peephole.plan import Plan
from peephole.workspace import Workspace


def measured_truths(plan: Plan, workspace: Workspace, available: Collection[str]) -> tuple[MeasuredTruth, ...]:
    """The measured truth of every target of every poisoned model that is there.

    Raises:
        DamagedShard: a model's receipt is not there any more.
    """
    return tuple(
        MeasuredTruth(
            backdoor.trigger,
            backdoor.seed,
            target["target"],
            success_lost(target),
            _rate(target["whole"]),
            tuple(_rate(half) for half in target["halves"]),
        )
        for backdoor in plan.backdoors
        if backdoor.model.digest in available
        for target in workspace.store.facts(backdoor.model.kind, backdoor.model.digest)["certificate"]["targets"]
    )


def _rate(counted: Sequence[int]) -> float:
    hits, total = counted
    return hits / total if total else float("nan")
