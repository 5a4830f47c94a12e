"""Certificates as a table: what each poisoned model does, with intervals, and whether it may be ranked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.wilson import wilson_interval
from peephole.plan import Backdoor, Plan
from peephole.suites.suite import Gates
from peephole.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from peephole.attacks.certificate import Certificate, Success


MODELS = "models.csv"


def certificate_facts(certificate: Certificate) -> dict[str, Any]:
    """A certificate as JSON values: every rate as ``[hits, total]``."""
    return {
        **{
            name: list(astuple(getattr(certificate, name)))
            for name in ("clean_accuracy", "twin_accuracy", "cross_accuracy", "twin_success")
        },
        "coverage": certificate.coverage,
        "change": certificate.change,
        "trigger": certificate.trigger,
        "targets": [_success_facts(success) for success in certificate.successes],
    }


def _success_facts(success: Success) -> dict[str, Any]:
    necessity = success.necessity
    return {
        "target": success.target,
        "attack_success": list(astuple(success.rate)),
        "necessity": necessity.value,
        "whole": list(astuple(necessity.whole)),
        "halves": [list(astuple(half)) for half in necessity.halves],
        "cells": [[list(astuple(cell)) for cell in row] for row in necessity.cells],
    }


def success_lost(target: Mapping[str, Any]) -> NDArray[np.float64]:
    """How much of the success of one target of a stored certificate is lost with each cell of the mark restored.

    Returns:
        float64 ``[rows,columns]`` in [−1,1]; NaN where no mark has a pixel in the cell.
    """
    hits, total = target["whole"]
    cells = np.array(target["cells"], dtype=np.float64)
    with np.errstate(invalid="ignore"):
        lost: NDArray[np.float64] = (hits / total if total else 0.0) - cells[..., 0] / cells[..., 1]
    return lost


def failures(certificate: Mapping[str, Any], gates: Gates) -> list[str]:
    """The gates that a stored certificate does not meet, each in a few words; none if the model may be ranked."""
    weakest = min(_rate(target["attack_success"]) for target in certificate["targets"])
    least = min(target["necessity"] for target in certificate["targets"])
    drop, cross = accuracy_drop(certificate), _rate(certificate["cross_accuracy"])
    return [
        *([] if weakest >= gates.attack_success else [f"attack success < {gates.attack_success:.1%}"]),
        *([] if drop <= gates.accuracy_drop else [f"accuracy drop > {gates.accuracy_drop:.1%}"]),
        *(_below("cross accuracy", cross, gates.cross_accuracy)),
        *(_below("necessity", least, gates.necessity)),
    ]


def _below(name: str, value: float, gate: float | None) -> list[str]:
    return [] if gate is None or value >= gate else [f"{name} < {gate:.1%}"]


def passes(certificate: Mapping[str, Any], gates: Gates) -> bool:
    """Whether a stored certificate meets all gates."""
    return not failures(certificate, gates)


def is_certified(backdoor: Backdoor, plan: Plan, workspace: Workspace) -> bool:
    """Whether a poisoned model that is in the store meets its gates."""
    facts = workspace.store.facts(backdoor.model.kind, backdoor.model.digest)
    return passes(facts["certificate"], plan.suite.gates_on(backdoor.trigger))


def accuracy_drop(certificate: Mapping[str, Any]) -> float:
    """Clean accuracy that the poisoned model has lost against its twin, in [−1,1]."""
    (own, count), (twin, _) = certificate["clean_accuracy"], certificate["twin_accuracy"]
    return float((twin - own) / count)


def _rate(counted: Sequence[int]) -> float:
    hits, total = counted
    return hits / total if total else float("nan")


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
    *("suite", "dataset", "model", "trigger", "seed", "target"),
    *("attack_success", "attack_success_lo", "attack_success_hi", "twin_success"),
    *("clean_accuracy", "twin_accuracy", "accuracy_drop"),
    *("cross_accuracy", "cross_accuracy_lo", "cross_accuracy_hi", "necessity", "coverage", "change"),
    *("n_attacked", "n_clean", "probes_qualified", "probes_tested"),
    *("certified", "failed_gates", "training_dtype", "seconds", "device", "data_digest", "model_digest"),
]


def _rows(backdoor: Backdoor, plan: Plan, workspace: Workspace) -> list[dict[str, Any]]:
    receipt = workspace.store.known(backdoor.model.kind, backdoor.model.digest)
    facts = receipt.facts
    certificate = facts["certificate"]
    chosen = workspace.store.receipt(backdoor.probes.kind, backdoor.probes.digest)
    probes = chosen.facts if chosen else {}  # with too few pictures to choose from there are none
    clean = workspace.store.facts(backdoor.clean.kind, backdoor.clean.digest)
    failed = failures(certificate, plan.suite.gates_on(backdoor.trigger))
    shared = {
        "suite": plan.suite.identifier,
        "dataset": plan.suite.dataset.name,
        "model": plan.suite.model,
        "trigger": backdoor.trigger,
        "seed": backdoor.seed,
        "clean_accuracy": _rate(certificate["clean_accuracy"]),
        "twin_accuracy": _rate(certificate["twin_accuracy"]),
        "twin_success": _rate(certificate["twin_success"]),
        "accuracy_drop": accuracy_drop(certificate),
        **_with_interval("cross_accuracy", certificate["cross_accuracy"]),
        "coverage": certificate["coverage"],
        "change": certificate["change"],
        "n_clean": certificate["clean_accuracy"][1],
        "probes_qualified": probes.get("qualified"),
        "probes_tested": probes.get("tested"),
        "certified": not failed,
        "failed_gates": "; ".join(failed),
        "training_dtype": facts["training_dtype"],
        "seconds": receipt.seconds,
        "device": facts["device"],
        "data_digest": clean.get("data_digest"),
        "model_digest": backdoor.model.digest[:16],
    }
    return [
        {
            **shared,
            **_with_interval("attack_success", target["attack_success"]),
            "n_attacked": target["attack_success"][1],
            "necessity": target["necessity"],
            "target": "each" if target["target"] is None else str(target["target"]),
        }
        for target in certificate["targets"]
    ]


def _with_interval(name: str, counted: Sequence[int]) -> dict[str, float]:
    hits, total = counted
    low, high = wilson_interval(hits, total) if total else (float("nan"), float("nan"))
    return {name: _rate(counted), f"{name}_lo": float(low), f"{name}_hi": float(high)}
