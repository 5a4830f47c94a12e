"""Rows that were made by other code than there is now: what the plan of now does not find in the store; torch-free."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from peephole._version import __version__
from peephole.leaderboard import alignment
from peephole.leaderboard.tables import SCORES
from peephole.plan import Plan, Row
from peephole.store.store import Store
from peephole.verification.finding import Finding

Key = tuple[str, str, str, str]
"""Trigger, seed, method and metric."""
LINE = ("trigger", "seed", "method", "metric")


def planned(plan: Plan) -> dict[Key, Row]:
    """Which row of the plan scores each method on each model by each metric."""
    return {
        (row.backdoor.trigger, str(row.backdoor.seed), row.method, metric): row
        for row in plan.rows
        for metric in row.metrics
    }


def needed(row: Row) -> dict[str, str]:
    """All that a row of the plan is read from, the kind of each by its digest."""
    backdoor = row.backdoor
    units = (row.scores, row.maps, backdoor.probes, backdoor.model, backdoor.clean, *row.scores.inputs.values())
    return {unit.digest: unit.kind for unit in units}


def stale_lines(
    scores: pd.DataFrame, plan: Plan, store: Store, sound: Collection[str], damaged: Mapping[str, str]
) -> tuple[list[Finding], frozenset[Key]]:
    """Lines of scores.csv whose scores were made by other code.

    Args:
        scores: the table.
        plan: of now.
        store: the run's.
        sound: digests of the units whose shards are there and sound.
        damaged: digests of those whose shards are there and not sound; their lines are no stale ones.

    Returns:
        What is stale, one finding a reason, and the lines that the store gives nothing for: their
        units as planned now are not there.
    """
    rows = planned(plan)
    reasons: dict[str, set[alignment.Row]] = {}
    lost: set[Key] = set()
    columns = ("trigger", "seed", "method", "metric", "kind", "layer", "model_digest", "method_digest", "suite_version")
    known = [name for name in columns if name in scores]
    for values in scores[known].drop_duplicates().astype(str).itertuples(index=False, name=None):
        line = dict(zip(known, values, strict=True))
        key = (line["trigger"], line["seed"], line["method"], line["metric"])
        row = rows.get(key)
        if row is None:
            continue
        reason = _version(row, store)
        missing = [kind for digest, kind in needed(row).items() if digest not in sound and digest not in damaged]
        if missing:
            lost.add(key)
            reason = _reason(line, row, plan, missing[0])
        if reason:
            reasons.setdefault(reason, set()).add(
                (line["method"], "calibration" if line["kind"] == "calibration" else "method", line["layer"])
            )
    findings = [Finding(SCORES, reason, frozenset(found)) for reason, found in reasons.items()]
    return findings, frozenset(lost)


def unaccounted(scores: pd.DataFrame, plan: Plan, sound: Collection[str], damaged: Mapping[str, str]) -> list[Finding]:
    """What was asked for and is neither in the table nor in the store, a finding a model: left out, or it failed.

    Methods that have no scores at all are not told of.

    Arguments are as of `stale_lines`.
    """
    lines = set(scores[list(LINE)].astype(str).itertuples(index=False, name=None))
    shown = set(scores["method"])
    lacking: dict[tuple[str, str], dict[str, None]] = {}
    for key, row in planned(plan).items():
        trigger, seed, method, _ = key
        there = key in lines or row.scores.digest in sound or row.scores.digest in damaged
        if method in shown and not there:
            lacking.setdefault((trigger, seed), {})[method] = None
    every = len({row.method for row in plan.rows} & shown)
    return [
        Finding(
            SCORES,
            f"lacks {'all methods' if len(methods) == every else ', '.join(methods)} on {trigger}, seed {seed}, which "
            "were asked for",
        )
        for (trigger, seed), methods in lacking.items()
    ]


def _version(row: Row, store: Store) -> str:
    receipt = store.receipt(row.maps.kind, row.maps.digest)
    version = receipt.facts.get("peephole_version", __version__) if receipt else __version__
    return "" if version == __version__ else f"made by peephole {version}, this is {__version__}"


def _reason(line: Mapping[str, str], row: Row, plan: Plan, missing: str) -> str:
    """Why there is nothing in the store, as far as the line tells."""
    now = {
        "suite_version": str(plan.suite.version),
        "model_digest": row.backdoor.model.digest[:16],
        "method_digest": str(row.maps.spec["method_code"]),
    }
    what = {"suite_version": "of the suite", "model_digest": "of the models", "method_digest": "of the method"}
    for name, value in now.items():
        if line.get(name, value) != value:
            return f"made by other code {what[name]} ({name} {line[name]}, now {value})"
    return f"made by other code: there is no such {missing.replace('_', ' ')} in the store"
