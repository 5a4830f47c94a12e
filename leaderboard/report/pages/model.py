"""The poisoned models: a list, and a page each with certificate, trigger, probes and measured truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from peephole.leaderboard.report.contents import MeasuredTruth
from peephole.leaderboard.report.page import Page
from peephole.leaderboard.report.subject import Subject

BEST = 8
"""Methods that are named on the page of a model."""
HALVES = ("upper", "lower", "left", "right")


def pages(subject: Subject) -> Iterator[Page]:
    """The list, and the models."""
    rows = subject.contents.models.to_dict("records")
    yield Page("models.html", "models.html", "Poisoned models", {"rows": rows})
    for trigger, seed in subject.models:
        own = [row for row in rows if (row["trigger"], row["seed"]) == (trigger, seed)]
        measured = [one for one in subject.contents.measured if (one.trigger, one.seed) == (trigger, seed)]
        context = {
            "trigger": trigger,
            "seed": seed,
            "rows": own,
            "labels": {row["target"]: _label(row["target"]) for row in own},
            "gallery": subject.gallery(trigger, seed),
            "elsewhere": subject.gallery(trigger),
            "measured": [_shaded(one) for one in measured],
            "best": _best(subject, trigger),
        }
        yield Page(subject.model_files[trigger, seed], "model.html", f"{trigger}, seed {seed}", context)


def _label(target: str) -> str:
    """What pictures with the trigger get; certificates say ``each`` where it is drawn."""
    return f"label {target}" if target.isdigit() else "the label that is drawn for each picture"


def _shaded(one: MeasuredTruth) -> dict[str, Any]:
    """Losses with how dark each cell is, from 0 to 1 of the largest."""
    largest = float(np.nanmax(one.loss)) if np.isfinite(one.loss).any() else 0.0
    return {
        "target": one.target,
        "whole": one.whole,
        "halves": list(zip(HALVES, one.halves, strict=False)),
        "cells": [
            [(loss, max(0.0, loss) / largest if largest > 0 and loss == loss else 0.0) for loss in row]
            for row in one.loss.tolist()
        ],
    }


def _best(subject: Subject, trigger: str) -> list[dict[Any, Any]]:
    """The methods that find a trigger best, at their best layers for it."""
    view = next((view for view in subject.views if view.trigger == trigger), None)
    if view is None:
        return []
    rows = view.table[view.table["best_layer"] & (view.table["kind"] == "method") & view.table["score"].notna()]
    return rows.head(BEST).to_dict("records")
