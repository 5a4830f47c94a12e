"""What claims read of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from peephole.claims.extent import QUICK
from peephole.claims.study import Study
from peephole.errors import PeepholeError
from peephole.leaderboard.cells import PROVENANCE, Cell

N = 4


def cell(seed: int, method: str, layer: str, values: list[float], **changes: Any) -> Cell:
    scored = ~np.isnan(np.array(values, dtype=np.float64))
    level = np.where(scored, 0.25, np.nan)
    facts: dict[str, Any] = {
        "suite": "quick/v1",
        "dataset": "shapes",
        "model": "resnet8",
        "trigger": "dynamic(kind='ban')",
        "kind": "method",
        "metric": "restore",
        "chance": level,
        "best": level,
        "valid": np.ones(N, dtype=np.bool_),
        "selection": np.array([False, False, False, True]),
        "ms_per_image": 1.0,
        "passes": 1.0,
        "direction": "lower",
        "core": True,
        "certified": True,
        "provenance": dict.fromkeys(PROVENANCE, ""),
    }
    own = {
        "seed": seed,
        "method": method,
        "layer": layer,
        "scored": scored,
        "value": np.array(values, dtype=np.float64),
    }
    return Cell(**{**facts, **own, **changes})


def study(cells: list[Cell]) -> Study:
    backdoors = [SimpleNamespace(trigger=name) for name in ("square", "dynamic(kind='ban')", "dynamic")]
    rows = [SimpleNamespace(method=name) for name in ("gradient", "grad_cam")]
    made = Study(SimpleNamespace(backdoors=backdoors, rows=rows), SimpleNamespace(), QUICK)  # type: ignore[arg-type]
    for method in ("gradient", "grad_cam"):
        made._kept[method, "dynamic(kind='ban')"] = [one for one in cells if one.method == method]
    return made


ALL = [
    cell(0, "gradient", "input", [1, 2, 3, 9]),
    cell(0, "gradient", "layer1", [4, 5, 6, 9]),
    cell(0, "grad_cam", "layer1", [7, 8, float("nan"), 9]),
    cell(1, "gradient", "input", [10, 20, 30, 9]),
    cell(1, "gradient", "layer1", [40, 50, 60, 9]),
    cell(1, "grad_cam", "layer1", [70, 80, 90, 9]),
]


def test_values_are_on_the_reported_pictures_that_all_methods_have() -> None:
    found = study(ALL).values("restore", ["gradient", "grad_cam"], "dynamic")
    assert (found.methods, found.layers) == (("gradient", "grad_cam"), ("input", "layer1"))
    assert (found.sizes, found.seeds, found.lower) == ((2, 3), (0, 1), True)
    np.testing.assert_array_equal(
        found.value,
        [
            [[1, 2, 10, 20, 30], [4, 5, 40, 50, 60]],
            [[np.nan] * 5, [7, 8, 70, 80, 90]],
        ],
    )
    np.testing.assert_array_equal(found.chance, np.full(5, 0.25))


def test_a_model_that_misses_its_gates_is_left_out() -> None:
    cells = [one if one.seed else cell(0, one.method, one.layer, list(one.value), certified=False) for one in ALL]
    assert study(cells).values("restore", ["gradient"], "dynamic").seeds == (1,)


@pytest.mark.parametrize(
    ("cells", "metric", "trigger", "sentence"),
    [
        (ALL, "restore", "wanet", "the suite has no trigger wanet"),
        (ALL, "morf", "dynamic", "no model with the trigger dynamic meets its gates and has morf"),
        (ALL[:5], "restore", "dynamic", "grad_cam has no restore under dynamic with seed 1"),
        (
            [ALL[0], cell(0, "grad_cam", "layer1", [float("nan")] * 3 + [1.0])],
            "restore",
            "dynamic",
            "no picture under dynamic has restore of all of: gradient, grad_cam",
        ),
    ],
)
def test_what_is_missing_is_said(cells: list[Cell], metric: str, trigger: str, sentence: str) -> None:
    with pytest.raises(PeepholeError, match=sentence):
        study(cells).values(metric, ["gradient", "grad_cam"], trigger)


def test_triggers_are_found_by_their_kind_in_the_order_asked_for() -> None:
    assert study(ALL).triggers("dynamic", "square") == ["dynamic(kind='ban')", "dynamic", "square"]
