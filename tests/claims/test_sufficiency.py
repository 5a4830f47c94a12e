"""Two types of decisions: each statistic once more by plain loops, then claims where it is known what is true."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peephole.claims import sufficiency
from peephole.claims.kinds import backdoor_types, decision_types
from peephole.claims.sufficiency import (
    POINTS,
    accuracy_gap,
    complete,
    kernels,
    of_each_model,
    places,
    smaller_side,
    valley,
    weighted_auroc,
)
from peephole.leaderboard.kis_histograms import LOWEST
from peephole.leaderboard.kis_study import CLEAN_MODEL, Sample
from peephole.leaderboard.verdict import Verdict

STUDY = SimpleNamespace(
    plan=SimpleNamespace(suite=SimpleNamespace(model="resnet8", dataset=SimpleNamespace(name="shapes")))
)


def drawn(seed: int, n: int, rows: int = 5) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(0, 0.6, n), 1)  # with ties and zeros
    weights = rng.multinomial(n, np.full(n, 1 / n), rows) / n
    return values, rng.random(n) < 0.7, weights


@given(st.integers(0, 1000), st.integers(8, 40))
def test_the_auroc_counts_pairs(seed: int, n: int) -> None:
    values, correct, weights = drawn(seed, n)
    for row, found in zip(weights, weighted_auroc(values, correct, weights), strict=True):
        won = total = 0.0
        for i in np.flatnonzero(correct):
            for j in np.flatnonzero(~correct):
                won += row[i] * row[j] * (float(values[i] > values[j]) + 0.5 * float(values[i] == values[j]))
                total += row[i] * row[j]
        assert math.isnan(found) if total == 0 else found == pytest.approx(won / total, abs=1e-9)


@given(st.integers(0, 1000), st.integers(8, 40))
def test_accuracies_and_shares_are_of_the_drawn_pictures(seed: int, n: int) -> None:
    values, correct, weights = drawn(seed, n)
    gaps, shares = accuracy_gap(values, correct, weights), smaller_side(values, weights)
    for row, gap, share in zip(np.rint(weights * n).astype(int), gaps, shares, strict=True):
        right = [ok for value, ok, times in zip(values, correct, row, strict=True) for _ in range(times) if value > 0]
        left = [ok for value, ok, times in zip(values, correct, row, strict=True) for _ in range(times) if value < 0]
        assert share == pytest.approx(min(len(right), len(left)) / n)
        if right and left:
            assert gap == pytest.approx(sum(right) / len(right) - sum(left) / len(left))
        else:
            assert math.isnan(gap)


def test_a_density_is_a_mean_of_gaussians_with_what_lies_above_one_reflected() -> None:
    values = np.array([-0.5, -0.4, 0.2, 0.9, 0.95])
    quarter, upper = np.percentile(values, [25, 75])
    width = 0.9 * min(values.std(), (upper - quarter) / 1.34) * 5**-0.2
    density = kernels(values).mean(axis=0)
    for place in (0, 100, 240, 300, POINTS - 1):
        at = LOWEST + place * (1 - LOWEST) / (POINTS - 1)
        total = 0.0
        for value in values:
            for centre in (value, 2 - value):
                total += math.exp(-(((at - centre) / width) ** 2) / 2) / (width * math.sqrt(2 * math.pi))
        assert density[place] == pytest.approx(total / 5)
    assert density.sum() * (places()[1] - places()[0]) == pytest.approx(1, abs=0.02)
    assert not kernels(np.full(4, 0.3)).any()


def test_a_valley_is_between_the_highest_peaks_of_both_sides() -> None:
    at = places()

    def bump(centre: float, height: float) -> Any:
        return height * np.exp(-(((at - centre) / 0.1) ** 2))

    two = bump(-0.5, 2.0) + bump(0.5, 1.0) + 0.25
    assert valley(two[None])[0] == pytest.approx(1 - 0.25 / 1.25, abs=1e-3)
    for one in (bump(0.5, 1.0), bump(-0.5, 1.0), bump(0.0, 1.0), np.ones(POINTS), np.zeros(POINTS), np.exp(at)):
        assert valley(one[None])[0] == pytest.approx(0, abs=1e-9)
    same_side = bump(0.3, 1.0) + bump(0.8, 1.0) + 0.01
    assert valley(same_side[None])[0] < 0.1


def test_each_model_counts_as_often_as_it_is_drawn() -> None:
    sizes = (3, 5)
    weights = np.zeros((3, 8))
    weights[0] = np.repeat([1 / 6, 1 / 10], sizes)
    weights[1, :3] = 1 / 3
    weights[2, 3:] = 0.2
    asked: list[int] = []

    def statistic(model: int, own: Any) -> Any:
        asked.append(len(own))
        assert own.sum(axis=1) == pytest.approx(1)
        return np.full(len(own), (10.0, 30.0)[model])

    assert of_each_model(weights, sizes, statistic) == pytest.approx([20, 10, 30])
    assert sum(asked) == 4


def test_rows_are_taken_in_parts_without_being_mixed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    values, _, weights = drawn(1, 20, rows=37)
    whole = of_each_model(weights, (8, 12), lambda model, own: own @ values[:8] if model == 0 else own @ values[8:])
    monkeypatch.setattr(sufficiency, "ROWS", 5)
    parts = of_each_model(weights, (8, 12), lambda model, own: own @ values[:8] if model == 0 else own @ values[8:])
    assert parts == pytest.approx(whole)
    assert parts == pytest.approx(weights @ values)


def test_pictures_that_lack_one_variant_are_left_out() -> None:
    values = np.array([[0.1, np.nan, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, np.nan, 0.4]])
    success = np.array([True, True, True, False])
    found = complete(Sample("badnet", "poisoned", 0, values, np.array([False, True, True, True]), success))
    assert found.values.tolist() == [[0.1]] * 3
    assert found.correct.tolist() == [False]


def clean(seed: int, *, modes: tuple[float, float], told: tuple[bool, bool, bool], n: int = 500) -> Sample:
    """S with modes at two places, and for each variant whether it tells right decisions from wrong ones."""
    rng = np.random.default_rng(seed)
    is_upper = rng.random(n) < 0.6
    correct = rng.random(n) < np.where(is_upper, 0.95, 0.6)
    first = np.where(is_upper, modes[1], modes[0]) + rng.normal(0, 0.12, n)
    others = [np.where(correct, 0.3, -0.1) + rng.normal(0, 0.4, n), rng.normal(0, 0.4, n)]
    values = np.stack([first if told[0] else rng.permutation(first), *(others[not one] for one in told[1:])])
    return Sample(CLEAN_MODEL, "clean", seed, np.minimum(values, 1), correct)


def verdicts(module: Any, claim: Any, study: Any) -> dict[str, Any]:
    found = claim.examine(study)
    return {
        one.name: answer
        if isinstance(answer := found[one.name], str)
        else one.criterion.verdict(answer.low, answer.high)
        for one in claim.expectations
    }


@pytest.mark.parametrize(
    ("modes", "told", "expected"),
    [
        ((-0.6, 0.6), (True, False, True), ["holds", "holds", "holds", "holds", None, "holds"]),
        ((0.3, 0.6), (True, True, False), ["fails", "fails", None, None, None, "fails"]),
        ((-0.6, 0.6), (False, True, True), ["holds", "holds", "not separable", "fails", "fails", None]),
    ],
    ids=["as the paper has it", "one type", "types that tell nothing"],
)
def test_the_verdict_on_two_types_is_what_was_planted(
    monkeypatch: pytest.MonkeyPatch, modes: Any, told: Any, expected: list[str | None]
) -> None:
    monkeypatch.setattr(decision_types, "_samples", lambda study: [clean(s, modes=modes, told=told) for s in (0, 1)])
    found = list(verdicts(decision_types, decision_types.DecisionTypes(), STUDY).values())
    assert [one for one, wanted in zip(found, expected, strict=True) if wanted] == [one for one in expected if one]


def test_two_networks_with_a_peak_each_are_not_two_peaks(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [clean(s, modes=(at, at), told=(True, True, True)) for s, at in ((0, -0.6), (1, 0.6))]
    monkeypatch.setattr(decision_types, "_samples", lambda study: samples)
    found = verdicts(decision_types, decision_types.DecisionTypes(), STUDY)
    assert found["valley"] == Verdict.FAILS
    assert found["smaller"] == Verdict.FAILS


def test_without_a_wrong_decision_nothing_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    good = clean(0, modes=(-0.6, 0.6), told=(True, True, True), n=100)
    perfect = Sample(CLEAN_MODEL, "clean", 0, good.values, np.ones(100, dtype=np.bool_))
    monkeypatch.setattr(decision_types, "_samples", lambda study: [perfect, perfect])
    found = decision_types.DecisionTypes().examine(STUDY)  # type: ignore[arg-type]
    assert "none that is wrong" in str(found["insertion"])
    assert not isinstance(found["valley"], str)
    monkeypatch.setattr(decision_types, "_samples", lambda study: [])
    assert all(isinstance(one, str) for one in decision_types.DecisionTypes().examine(STUDY).values())  # type: ignore[arg-type]


def poisoned(name: str, seed: int, share: float, n: int = 400) -> list[Sample]:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((3, n)) < share, 0.5, -0.5) + rng.normal(0, 0.05, (3, n))
    correct = np.zeros(n, dtype=np.bool_)
    return [Sample(name, "clean", seed, -values, ~correct), Sample(name, "poisoned", seed, values, correct, ~correct)]


def test_the_verdict_on_backdoors_is_what_was_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = {"badnet": 0.95, "dynamic": 0.2, "input_aware": 0.1, "wanet": 0.5}
    units = {name: [(None, None)] for name in shares}
    monkeypatch.setattr(backdoor_types, "_units", lambda study, name: units[name])
    monkeypatch.setattr(
        backdoor_types,
        "_samples",
        lambda study, name: [one for seed in (0, 1) for one in poisoned(name, seed, shares[name])],
    )
    found = verdicts(backdoor_types, backdoor_types.BackdoorTypes(), STUDY)
    assert found == {"badnet": "holds", "dynamic": "fails", "input_aware": "holds", "wanet": "not separable"}


def test_models_that_miss_their_gates_and_triggers_that_are_not_there_are_not_tested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim = backdoor_types.BackdoorTypes()
    models = {name: SimpleNamespace(model=SimpleNamespace(digest=name)) for name in ("badnet", "wanet")}
    unit = {name: SimpleNamespace(inputs={"model": one.model}, spec={"seed": 0}) for name, one in models.items()}
    study = SimpleNamespace(
        plan=SimpleNamespace(samples=list(unit.values())),
        workspace=None,
        backdoors=lambda name: [models[name]] if name in models else [],
        has=lambda one: True,
        is_certified=lambda backdoor: backdoor is models["badnet"],
    )
    monkeypatch.setattr(
        backdoor_types, "all_samples", lambda units, workspace: poisoned("badnet", 0, 0.95) * len(units)
    )
    found = claim.examine(study)  # type: ignore[arg-type]
    assert not isinstance(found["badnet"], str)
    assert found["wanet"] == "no model with the trigger wanet meets its gates"
    assert "has no trigger dynamic" in str(found["dynamic"])
    assert [one.inputs["model"].digest for one in claim.units(study)] == ["badnet", "wanet"]  # type: ignore[arg-type]
