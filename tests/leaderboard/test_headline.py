"""The headline, derived again in plain Python: what it is made of, its weights, its scale."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import mean

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peephole.leaderboard.alignment import align
from peephole.leaderboard.best_layers import best_layers
from peephole.leaderboard.board import board
from peephole.leaderboard.bootstrap import resample_weights
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.parts import headline_parts

Make = Callable[..., Cell]
PLAN = {
    "square": {"completeness": "higher", "restore": "lower", "morf": "higher"},
    "wanet": {"restore": "lower"},
    "x": {"fine_grained": "higher", "morf": "higher", "spread": "higher"},
}
"""Core metrics of three triggers, but for ``spread``, which is not core."""
ROWS = [("a", "input"), ("a", "layer1"), ("b", "input"), ("c", "input")]
SIZE = 24


def random_cells(cell_of: Make, seed: int, hopeless: Sequence[tuple[str, str]] = ()) -> list[Cell]:
    """Two models a trigger with different pictures; row ``c`` has a half of them, one metric leaves some out."""
    generator = np.random.default_rng(seed)
    cells = []
    for trigger, metrics in PLAN.items():
        for model in (0, 1):
            selection = np.arange(SIZE) % 4 == model
            for metric, direction in metrics.items():
                sign = 1.0 if direction == "higher" else -1.0
                chance = generator.uniform(0.2, 0.4, size=SIZE)
                best = chance + sign * (0.4 + generator.normal(0, 0.3, size=SIZE))
                if (trigger, metric) in hopeless:
                    best = chance - sign * 0.01 * (1 + model)
                kept = generator.random(SIZE) < (0.8 if metric == "morf" else 1.1)
                kept[:4] = True
                for method, layer in ROWS:
                    scored = kept & (np.arange(SIZE) < SIZE // 2) if method == "c" else kept
                    value = generator.uniform(0, 1, size=SIZE)
                    numbers = {"value": value, "chance": chance, "best": best}
                    numbers = {name: np.where(scored, array, np.nan) for name, array in numbers.items()}
                    facts = {"trigger": trigger, "seed": model, "metric": metric, "direction": direction}
                    facts |= {"method": method, "layer": layer, "selection": selection, "scored": scored}
                    cells.append(cell_of(numbers.pop("value"), **facts, **numbers, core=metric != "spread"))
    return cells


def slow_levels(cells: Sequence[Cell], trigger: str, seed: int, metric: str) -> list[tuple[float, float] | None]:
    """Chance and best of each picture, from the first cell that knows them."""
    own = [cell for cell in cells if (cell.trigger, cell.seed, cell.metric) == (trigger, seed, metric)]
    return [
        next(((float(c.chance[i]), float(c.best[i])) for c in own if c.scored[i]), None)
        for i in range(len(own[0].selection))
    ]


def slow_scale(cells: Sequence[Cell], trigger: str, seed: int, metric: str) -> float:
    """D: the mean over the reported pictures of best less chance."""
    (selection, *_) = [cell.selection for cell in cells if (cell.trigger, cell.seed) == (trigger, seed)]
    levels = slow_levels(cells, trigger, seed, metric)
    return mean(level[1] - level[0] for level, held in zip(levels, selection, strict=True) if level and not held)


def slow_score(
    cells: Sequence[Cell], row: tuple[str, str], made_of: dict[str, list[str]], *, selected: bool = False
) -> float:
    """The headline, term by term, over the reported pictures or those for choosing layers."""
    triggers = []
    for trigger, metrics in made_of.items():
        conditions = []
        for metric in metrics:
            models = []
            for cell in cells:
                if (cell.method, cell.layer, cell.trigger, cell.metric) == (*row, trigger, metric):
                    scale = slow_scale(cells, trigger, cell.seed, metric)
                    pictures = zip(cell.value, cell.chance, cell.selection, cell.scored, strict=True)
                    models.append(mean((v - c) / scale for v, c, held, known in pictures if known and held == selected))
            conditions.append(mean(models))
        triggers.append(mean(conditions))
    return mean(triggers)


MADE_OF = {"square": ["completeness", "restore", "morf"], "wanet": ["restore"], "x": ["fine_grained", "morf"]}


@pytest.mark.parametrize("seed", range(3))
def test_the_score_is_the_headline(cell_of: Make, seed: int) -> None:
    cells = random_cells(cell_of, seed)
    frame = board(cells).set_index(["method", "layer"])
    assert len(frame) == 4
    for row in ROWS:
        assert frame.loc[row, "score"] == pytest.approx(slow_score(cells, row, MADE_OF), abs=1e-12)
    assert set(frame["score_of"]) == {"square: completeness, morf, restore; wanet: restore; x: fine_grained, morf"}
    assert set(frame["core_metrics"]) == {"completeness; fine_grained; morf; restore"}
    assert set(frame["lower_is_better"]) == {"restore"}


def test_intervals_are_those_of_resamples_condition_by_condition(cell_of: Make) -> None:
    """Also for the row that has a half of the pictures, and for metrics that leave some out."""
    cells = random_cells(cell_of, 2)
    frame = board(cells).set_index(["method", "layer"])
    for row in ROWS:
        resampled = np.zeros(2000)
        for trigger, metrics in MADE_OF.items():
            for metric in metrics:
                own = [
                    cell
                    for cell in cells
                    if (cell.method, cell.layer, cell.trigger, cell.metric) == (*row, trigger, metric)
                ]
                scores = [(cell.value - cell.chance) / slow_scale(cells, trigger, cell.seed, metric) for cell in own]
                pictures = np.concatenate([each[~cell.selection] for each, cell in zip(scores, own, strict=True)])
                known = ~np.isnan(pictures)
                weights = resample_weights([SIZE - 6, SIZE - 6], trigger, scored=known)
                resampled += weights[:, known] @ pictures[known] / (3 * len(metrics))
        expected = np.quantile(resampled, [0.025, 0.975]).tolist()
        assert frame.loc[row, ["score_lo", "score_hi"]].tolist() == pytest.approx(expected)


def test_conditions_of_a_trigger_share_their_resamples(cell_of: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def draw(sizes: Sequence[int], key: str, *arguments: object, **facts: object) -> object:
        drawn.append(key)
        return resample_weights(sizes, key, *arguments, **facts)

    monkeypatch.setattr("peephole.leaderboard.resamples.resample_weights", draw)
    values = np.random.default_rng(0).random((4, 6, 5, 20))
    facts = [(t, m, r) for t in range(4) for m in range(6) for r in range(5)]
    cells = [cell_of(values[t, m, r], trigger=f"t{t}", metric=f"m{m}", method=f"r{r}") for t, m, r in facts]
    board(cells)
    assert sorted(drawn) == ["t0", "t1", "t2", "t3"]


@pytest.mark.parametrize("seed", range(3))
def test_the_layer_is_chosen_with_the_same_weights_and_scale(cell_of: Make, seed: int) -> None:
    cells = random_cells(cell_of, seed)
    lineup = align(cells)
    found = dict(zip([(method, layer) for method, _, layer in lineup.rows], best_layers(lineup), strict=True))
    scores = {layer: slow_score(cells, ("a", layer), MADE_OF, selected=True) for layer in ("input", "layer1")}
    best = max(scores, key=lambda layer: scores[layer])
    assert {layer: bool(found["a", layer]) for layer in scores} == {layer: layer == best for layer in scores}


def test_triggers_weigh_the_same(cell_of: Make) -> None:
    parts = headline_parts(align(random_cells(cell_of, 0)).conditions)
    weights: dict[str, float] = {}
    for part in parts:
        weights[part.trigger] = weights.get(part.trigger, 0) + part.weight
    assert weights == pytest.approx(dict.fromkeys(PLAN, 1 / 3))
    assert len(parts) == 6


@pytest.mark.parametrize(
    ("hopeless", "made_of"),
    [
        ([("square", "restore")], {**MADE_OF, "square": ["completeness", "morf"]}),
        ([("wanet", "restore")], {name: MADE_OF[name] for name in ("square", "x")}),
    ],
)
def test_where_the_truth_loses_nothing_counts_and_all_is_shown(
    cell_of: Make, hopeless: list[tuple[str, str]], made_of: dict[str, list[str]]
) -> None:
    cells = random_cells(cell_of, 1, hopeless)
    frame = board(cells).set_index(["method", "layer"])
    for row in ROWS:
        assert frame.loc[row, "score"] == pytest.approx(slow_score(cells, row, made_of), abs=1e-12)
        own = [cell for cell in cells if (cell.method, cell.layer, cell.metric) == (*row, "restore")]
        expected = mean(cell.value[cell.reported].mean() for cell in own)
        assert frame.loc[row, "restore"] == pytest.approx(expected)
    text = "; ".join(f"{trigger}: {', '.join(sorted(metrics))}" for trigger, metrics in made_of.items())
    assert set(frame["score_of"]) == {text}
    assert "restore" in frame["core_metrics"].iloc[0]


def test_without_anything_to_scale_by_there_is_no_score(cell_of: Make) -> None:
    hopeless = [(trigger, metric) for trigger, metrics in PLAN.items() for metric in metrics]
    frame = board(random_cells(cell_of, 1, hopeless))
    assert frame[["score", "score_lo", "rank", "tie_group"]].isna().all(axis=None)
    assert set(frame["score_of"]) == {""}
    assert not frame["pareto"].any()
    assert frame["completeness"].notna().all()


def test_a_row_that_lacks_what_does_not_count_keeps_its_score(cell_of: Make) -> None:
    cells = random_cells(cell_of, 1, [("square", "restore")])
    part = [cell for cell in cells if (cell.method, cell.trigger, cell.metric) != ("b", "square", "restore")]
    frame = board(part).set_index("method")
    assert frame.loc["b", "score"] == pytest.approx(board(cells).set_index("method").loc["b", "score"])
    assert math.isnan(frame.loc["b", "restore"])


def test_a_picture_on_which_the_truth_is_at_chance_does_no_harm(cell_of: Make) -> None:
    """Picture by picture, the second one would be divided by 0 or by nearly 0."""
    best = np.array([1.0, 0.2, 0.2 + 1e-12, 1.0, 1.0, 1.0, 1.0, 1.0])
    value = np.array([0.6, 0.3, 0.1, 0.6, 0.2, 0.2, 0.2, 0.2])
    row = board([cell_of(value, chance=np.full(8, 0.2), best=best)]).iloc[0]
    assert row["score"] == pytest.approx((0.4 + 0.1 - 0.1 + 0.4) / 8 / 0.6)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1000))
def test_the_order_of_pictures_and_rows_changes_nothing(cell_of: Make, seed: int) -> None:
    cells = random_cells(cell_of, seed)
    generator = np.random.default_rng(seed)
    order = {model: generator.permutation(SIZE) for model in (0, 1)}
    names = ("value", "chance", "best", "valid", "selection", "scored")
    shuffled = [replace(cell, **{name: getattr(cell, name)[order[cell.seed]] for name in names}) for cell in cells]
    keys = ["method", "layer"]
    plain, rows, pictures = (
        board(each).sort_values(keys, ignore_index=True)
        for each in (cells, [cells[i] for i in generator.permutation(len(cells))], shuffled)
    )
    pd.testing.assert_frame_equal(rows, plain, rtol=1e-9)
    ends = [name for name in plain if name.endswith(("_lo", "_hi")) or name in ("rank_interval", "tie_group")]
    pd.testing.assert_frame_equal(pictures.drop(columns=ends), plain.drop(columns=ends), rtol=1e-9)
    width = (plain["score_hi"] - plain["score_lo"]).to_numpy()
    assert (pictures["score_hi"] - pictures["score_lo"]).to_numpy() == pytest.approx(width, rel=0.25)
