"""Certificates as a table: what each poisoned model does, with intervals, and whether it may be ranked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from peephole.leaderboard.wilson import wilson_interval
from peephole.plan import Backdoor, Plan
from peephole.suites.suite import Gates
from peephole.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd


def passes(certificate: Mapping[str, Any], gates: Gates) -> bool:
    """Whether a stored certificate meets the gates: every target's success rate, and the drop in accuracy."""
    weakest = min(hits / total if total else 0.0 for hits, total in certificate["attack_success"])
    return weakest >= gates.attack_success and accuracy_drop(certificate) <= gates.accuracy_drop


def accuracy_drop(certificate: Mapping[str, Any]) -> float:
    """Clean accuracy that the poisoned model has lost against its twin, in [−1,1]."""
    (own, count), (twin, _) = certificate["clean_accuracy"], certificate["twin_accuracy"]
    return float((twin - own) / count)


def certificate_table(plan: Plan, workspace: Workspace, available: Collection[str]) -> pd.DataFrame:
    """One row a poisoned model and target, in the order of the plan; models that could not be made are missing."""
    import pandas as pd

    rows = [
        row
        for backdoor in plan.backdoors
        if backdoor.model.digest in available
        for row in _rows(backdoor, plan, workspace)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    "suite",
    "dataset",
    "model",
    "trigger",
    "seed",
    "target",
    "attack_success",
    "attack_success_lo",
    "attack_success_hi",
    "clean_accuracy",
    "twin_accuracy",
    "accuracy_drop",
    "n_attacked",
    "n_clean",
    "probes_qualified",
    "probes_tested",
    "certified",
    "model_digest",
]


def _rows(backdoor: Backdoor, plan: Plan, workspace: Workspace) -> list[dict[str, Any]]:
    certificate = workspace.store.facts(backdoor.model.kind, backdoor.model.digest)["certificate"]
    probes = workspace.store.facts(backdoor.probes.kind, backdoor.probes.digest)
    own, count = certificate["clean_accuracy"]
    shared = {
        "suite": plan.suite.identifier,
        "dataset": plan.suite.dataset.name,
        "model": plan.suite.model,
        "trigger": backdoor.trigger,
        "seed": backdoor.seed,
        "clean_accuracy": own / count,
        "twin_accuracy": certificate["twin_accuracy"][0] / count,
        "accuracy_drop": accuracy_drop(certificate),
        "n_clean": count,
        "probes_qualified": probes.get("qualified"),
        "probes_tested": probes.get("tested"),
        "certified": passes(certificate, plan.suite.gates),
        "model_digest": backdoor.model.digest[:16],
    }
    rows = []
    for target, (hits, total) in zip(certificate["targets"], certificate["attack_success"], strict=True):
        low, high = wilson_interval(hits, total) if total else (float("nan"), float("nan"))
        success = {
            "attack_success": hits / total if total else float("nan"),
            "attack_success_lo": float(low),
            "attack_success_hi": float(high),
            "n_attacked": total,
        }
        rows.append({**shared, **success, "target": target})
    return rows
