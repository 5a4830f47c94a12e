"""One hidden layer: rules by loops, closed forms by integration and simulation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from peephole.claims import one_layer
from peephole.claims.base import CLAIMS
from peephole.claims.kinds import theorems
from peephole.claims.one_layer import Second, Series, first_theorem, second_theorem
from peephole.leaderboard.verdict import Verdict


def by_loops(rule, weights, x, relevance):
    """One network ``[N,d]``."""
    count, inputs = weights.shape
    activation = [max(0.0, float(sum(weights[i, k] * x[k] for k in range(inputs)))) for i in range(count)]
    product = [activation[i] * relevance[i] for i in range(count)]
    threshold = np.percentile(product, 90)
    total = np.zeros(inputs)
    for i in range(count):
        if rule == "z⁺-rule":
            whole = sum(max(0.0, weights[i, k] * x[k]) for k in range(inputs))
            for j in range(inputs):
                if weights[i, j] * x[j] > 0:
                    total[j] += weights[i, j] * activation[i] * max(0.0, relevance[i]) / whole
            continue
        passes = {
            "gradient": activation[i] > 0,
            "Guided Backprop": activation[i] > 0 and relevance[i] > 0,
            "RectGrad": product[i] > threshold,
        }[rule]
        if passes:
            for j in range(inputs):
                total[j] += relevance[i] * weights[i, j]
    return total


@pytest.mark.parametrize("rule", one_layer.FILTERS)
def test_rules_are_what_they_say(rule):
    generator = np.random.default_rng(0)
    weights, x, relevance = (generator.standard_normal(size) for size in ((2, 30, 5), 5, (2, 30)))
    found = one_layer.FILTERS[rule](weights, x, relevance)
    for network in range(2):
        assert found[network] == pytest.approx(by_loops(rule, weights[network], x, relevance[network]))


def test_the_cosine_of_nothing_is_zero():
    assert one_layer.cosine(np.zeros((2, 3)), np.ones(3)).tolist() == [0, 0]
    assert one_layer.cosine(np.array([[1.0, 0.0], [-2.0, 0.0]]), np.array([3.0, 0.0])).tolist() == [1, -1]


def test_closed_forms_are_the_integrals_that_they_come_from():
    density = stats.norm.pdf
    along = integrate.dblquad(lambda g, r: r * g * density(r) * density(g), 0, 10, 0, 10)[0]
    across = integrate.dblquad(lambda g, r: r * r * density(r) * density(g), 0, 10, 0, 10)[0]
    expected = along * 1000 / np.sqrt((along * 1000) ** 2 + across * 1000 * 63)
    assert one_layer.guided_cosine(np.array([1000.0]), 64) == pytest.approx(expected, rel=1e-6)
    generator = np.random.default_rng(1)
    g, r = generator.standard_normal((2, 2_000_000))
    product = np.maximum(g, 0) * r
    kept = product > np.percentile(product, 90)
    s, q = (product * kept).mean(), (r * r * kept).mean()
    expected = s * 1000 / np.sqrt((s * 1000) ** 2 + q * 1000 * 63)
    assert one_layer.rectified_cosine(np.array([1000.0]), 64) == pytest.approx(expected, abs=2e-3)
    half = np.abs(stats.norm.rvs(size=500_000, random_state=2))
    drawn = np.maximum(stats.norm.rvs(size=500_000, random_state=3), 0)
    ratio = (drawn * half).mean() / np.sqrt((drawn**2).mean() * (half**2).mean())
    assert pytest.approx(ratio, abs=3e-3) == one_layer.DRAWN_RATIO


@pytest.mark.parametrize("ring", [False, True])
def test_theorem_1_follows_its_closed_form(ring):
    found = first_theorem(32, 2048, 12, 5, tuple(one_layer.FILTERS), ring=ring)
    series = found["Guided Backprop"]
    assert series.neurons.tolist() == [32, 128, 512, 2048]
    assert series.values.mean(1) == pytest.approx(one_layer.guided_cosine(series.neurons, 32), abs=0.02)
    assert found["RectGrad"].values.mean(1)[1:] == pytest.approx(
        one_layer.rectified_cosine(series.neurons, 32)[1:], abs=0.02
    )
    assert abs(found["gradient"].values.mean()) < 0.05
    assert found["z⁺-rule"].values[-1].mean() == pytest.approx(one_layer.zplus_limit(32), abs=0.02)


def test_theorem_2_follows_its_closed_form():
    found = second_theorem(64, (16, 64), 200, 1)
    expected = one_layer.orthogonal_cosine(found.aligned.neurons, 64)
    assert found.aligned.values.mean(1) == pytest.approx(expected, abs=0.02)
    assert found.drawn.values.mean(1) == pytest.approx(one_layer.DRAWN_RATIO * expected, abs=0.03)
    assert (found.aligned.values >= found.drawn.values - 1e-12).all()  # Cauchy and Schwarz


def planted(noise=0.002):
    generator = np.random.default_rng(0)

    def series(neurons, means):
        means = np.asarray(means, dtype=float)[:, None]
        return Series(np.asarray(neurons, dtype=float), means + noise * generator.standard_normal((len(means), 16)))

    guided = {
        (inputs, ring): series([inputs, 16 * inputs], one_layer.guided_cosine(np.array([1, 16]) * inputs, inputs))
        for inputs in (16, 64)
        for ring in (False, True)
    }
    rules = {
        name: series([64, 16384], ends)
        for name, ends in {
            "gradient": (0, 0), "Guided Backprop": (0.3, 0.98), "RectGrad": (0.3, 0.98), "z⁺-rule": (0.8, 0.97)
        }.items()
    }  # fmt: skip
    second = Second(series([16, 256], (0.2, 0.7)), series([16, 256], (0.09, 0.7 * one_layer.DRAWN_RATIO)))
    return theorems.Simulated(guided, rules, second, second)


def verdicts(simulated):
    claim = CLAIMS["theorems"]()
    found = claim.judged(simulated)
    return {one.name: one.criterion.verdict(found[one.name].low, found[one.name].high) for one in claim.expectations}


def test_verdicts_follow_what_is_planted():
    good = planted()
    assert set(verdicts(good).values()) == {Verdict.HOLDS}
    last = good.rules["z⁺-rule"]
    bad = replace(good, rules={**good.rules, "z⁺-rule": replace(last, values=last.values - 0.1)})
    assert {name for name, verdict in verdicts(bad).items() if verdict is Verdict.FAILS} == {"zplus_recovers"}
    key = (64, True)
    moved = {**good.guided, key: replace(good.guided[key], values=good.guided[key].values + 0.05)}
    assert verdicts(replace(good, guided=moved))["follows_the_closed_form"] is Verdict.FAILS
    swapped = replace(good, orthogonal=Second(good.orthogonal.drawn, good.orthogonal.aligned))
    found = verdicts(swapped)
    assert found["aligned_relevance_aligns_more"] is Verdict.FAILS
    assert found["by_the_predicted_factor"] is Verdict.FAILS
    assert found["nearly_orthogonal_is_enough"] is Verdict.HOLDS


def test_estimates_are_means():
    good = planted()
    found = CLAIMS["theorems"]().judged(good)
    assert found["guided_backprop_recovers"].value == pytest.approx(good.rules["Guided Backprop"].values[-1].mean())
    pairs = zip(good.orthogonal.aligned.values[1], good.orthogonal.drawn.values[1], strict=True)
    ratio = np.mean([drawn / aligned for aligned, drawn in pairs])
    assert found["by_the_predicted_factor"].value == pytest.approx(ratio - 2**0.5 / np.pi)
    assert found["by_the_predicted_factor"].n == 16
