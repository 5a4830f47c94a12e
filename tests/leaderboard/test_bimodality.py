"""Two peaks or not, on samples whose distribution is known, and each number against another implementation."""

import math
import sys

import numpy as np
import pytest
from diptest import diptest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kurtosis, skew
from sklearn.mixture import GaussianMixture

from peephole.errors import PeepholeError
from peephole.leaderboard.bimodality import MINIMUM, TABLE_END, bimodality, sarle_b
from peephole.leaderboard.mixture import FLOOR, two_modes

MAKERS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.random(n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "four apart": lambda rng, n: rng.normal(size=n) + 4 * (rng.random(n) < 0.5),
    "a few six apart": lambda rng, n: rng.normal(size=n) + 6 * (rng.random(n) < 0.1),
    "21 levels": lambda rng, n: np.round(np.clip(rng.normal(size=n) / 3, -1, 1) * 10) / 10,
}


def rates(name, n, runs=12):
    """How often each test speaks for two peaks, and how often all of them do."""
    found = [bimodality(MAKERS[name](np.random.default_rng(seed), n)) for seed in range(runs)]
    return {
        "dip": np.mean([one.dip_p < 0.05 for one in found]),
        "sarle": np.mean([one.sarle_b > 5 / 9 for one in found]),
        "bic": np.mean([one.delta_bic > 10 for one in found]),
        "ashman": np.mean([one.ashman_d > 2 for one in found]),
        "all": np.mean([one.is_bimodal(one.dip_p) for one in found]),
    }


@pytest.mark.parametrize("name", ["normal", "uniform", "exponential", "21 levels"])
@pytest.mark.parametrize("n", [50, 500])
def test_one_peak_is_not_taken_for_two(name, n):
    assert rates(name, n)["all"] <= 1 / 12


def test_no_test_is_enough_alone():
    uniform, exponential = rates("uniform", 500), rates("exponential", 500)
    assert uniform["bic"] == uniform["ashman"] == exponential["bic"] == 1
    assert exponential["sarle"] > 0.5
    assert uniform["dip"] <= 0.2
    assert exponential["dip"] == 0


def test_two_peaks_are_found():
    assert rates("four apart", 500)["all"] == 1
    assert rates("four apart", 50)["all"] > 0.2
    few = rates("a few six apart", 500)
    assert few["bic"] == few["sarle"] == few["ashman"] == 1
    assert few["dip"] < 0.3  # the dip misses what the others find


def test_noise_for_ties_keeps_rounding_from_being_peaks():
    rounded = MAKERS["21 levels"](np.random.default_rng(0), 500)
    assert diptest(rounded)[1] < 0.001
    assert bimodality(rounded).dip_p > 0.5
    two = np.round(MAKERS["four apart"](np.random.default_rng(0), 500), 1)
    assert bimodality(two).dip_p == TABLE_END
    assert bimodality(two, seed=1).dip != bimodality(two).dip == bimodality(two).dip
    assert bimodality(two, seed=1).delta_bic == bimodality(two).delta_bic


@pytest.mark.parametrize("name", ["normal", "uniform", "exponential", "four apart"])
def test_each_number_is_that_of_other_libraries(name):
    sample = MAKERS[name](np.random.default_rng(5), 300) * 3 - 1
    found = bimodality(sample)
    dip, p = diptest(sample)
    assert found.dip == pytest.approx(dip, rel=1e-9)
    assert found.dip_p == pytest.approx(max(p, TABLE_END), rel=1e-6)
    n = len(sample)
    expected = (skew(sample, bias=False) ** 2 + 1) / (
        kurtosis(sample, bias=False) + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
    )
    assert found.sarle_b == pytest.approx(expected, rel=1e-9)
    lower, upper = found.modes
    fit = GaussianMixture(
        2,
        means_init=[[lower.mean], [upper.mean]],
        weights_init=[lower.weight, upper.weight],
        precisions_init=[[[lower.sd**-2]], [[upper.sd**-2]]],
        tol=1e-10,
        reg_covar=0,
        max_iter=2000,
    ).fit(sample[:, None])
    one = GaussianMixture(1, reg_covar=0).fit(sample[:, None])
    gain = one.bic(sample[:, None]) - fit.bic(sample[:, None])
    assert found.delta_bic == pytest.approx(gain, abs=1e-3)  # ours is a maximum of theirs
    assert fit.means_[:, 0].tolist() == pytest.approx([lower.mean, upper.mean], rel=0.01, abs=0.01)
    again = GaussianMixture(2, n_init=5, random_state=0, reg_covar=0.01 * sample.var(), tol=1e-6, max_iter=500)
    theirs = one.bic(sample[:, None]) - again.fit(sample[:, None]).bic(sample[:, None])
    assert found.delta_bic > theirs - 0.5  # and no worse than what random beginnings find


def test_the_modes_are_those_that_were_drawn():
    rng = np.random.default_rng(1)
    sample = np.concatenate([rng.normal(-1, 0.2, 700), rng.normal(0.6, 0.1, 300)])
    found = bimodality(sample)
    lower, upper = found.modes
    assert (lower.weight, lower.mean, lower.sd) == pytest.approx((0.7, -1, 0.2), abs=0.02)
    assert (upper.weight, upper.mean, upper.sd) == pytest.approx((0.3, 0.6, 0.1), abs=0.02)
    assert found.ashman_d == pytest.approx(math.sqrt(2) * 1.6 / math.hypot(0.2, 0.1), rel=0.05)
    assert found.side == "left"
    assert found.right == (sample > 0).sum() == 300
    assert found.is_bimodal(found.dip_p)
    assert not found.is_bimodal(0.05)
    assert not found.is_bimodal(math.nan)


def test_a_small_mode_does_not_make_two_peaks():
    rng = np.random.default_rng(2)
    sample = np.concatenate([rng.normal(0, 1, 4750), rng.normal(12, 1, 250)])
    found = bimodality(sample)
    assert found.delta_bic > 10
    assert found.ashman_d > 2
    assert not found.is_bimodal(0.0)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(1e-6, 1e6), shift=st.floats(-5, 5), seed=st.integers(0, 50))
def test_nothing_depends_on_the_unit(scale, shift, seed):
    sample = MAKERS["four apart"](np.random.default_rng(seed), 60)
    first, second = bimodality(sample), bimodality((sample + shift) * scale)
    for name in ("dip", "dip_p", "delta_bic", "ashman_d", "sarle_b"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), rel=1e-4, abs=1e-6)
    assert second.modes[1].mean == pytest.approx((first.modes[1].mean + shift) * scale, rel=1e-3, abs=1e-3 * scale)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 50))
def test_the_order_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    sample = np.round(rng.normal(size=40), 1)
    assert bimodality(sample) == bimodality(rng.permutation(sample))


def test_equal_numbers_have_no_endless_likelihood():
    values = np.sort(np.concatenate([np.zeros(40), np.linspace(-2, 2, 60)]))
    values = (values - values.mean()) / values.std()
    modes, gain = two_modes(values)
    assert min(mode.sd for mode in modes) == pytest.approx(FLOOR)
    assert math.isfinite(gain)


@pytest.mark.parametrize("value", [0.3, 0.0, -1e8])
def test_a_constant_sample_says_so(value):
    found = bimodality([value] * 30)
    assert found.reason == "all numbers are equal"
    assert math.isnan(found.dip)
    assert math.isnan(found.dip_p)
    assert math.isnan(found.delta_bic)
    assert math.isnan(found.modes[0].mean)
    assert found.side == {0.3: "right", 0.0: "neither", -1e8: "left"}[value]
    assert not found.is_bimodal(found.dip_p)
    assert bimodality(np.full(30, 0.1) * np.float64(3)).reason == "all numbers are equal"


@pytest.mark.parametrize("n", [0, 1, 3, MINIMUM - 1])
def test_a_small_sample_says_so(n):
    found = bimodality(np.linspace(0.1, 1, n))
    assert found.reason == f"{n} numbers, fewer than {MINIMUM}"
    assert math.isnan(found.dip_p)
    assert found.right == found.n == n
    assert not bimodality(np.linspace(0.1, 1, MINIMUM)).reason


@pytest.mark.parametrize("bad", [[1.0, math.nan], [1.0, math.inf], [[1.0, 2.0]]])
def test_what_is_no_sample_is_refused_in_one_line(bad):
    with pytest.raises(PeepholeError, match="expected finite numbers in one row") as caught:
        bimodality(bad)
    assert "\n" not in str(caught.value)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "diptest", None)
    with pytest.raises(PeepholeError, match="pip install diptest"):
        bimodality(np.linspace(0, 1, 50))


def test_sides_are_counted_strictly():
    assert bimodality([-1.0] * 15 + [0.0] * 15).side == "neither"
    assert bimodality([-1.0] * 16 + [1.0] * 14).side == "left"


def test_sarle_knows_its_landmarks():
    assert sarle_b(np.linspace(0, 1, 100_001)) == pytest.approx(5 / 9, abs=1e-3)
    assert sarle_b(np.repeat([0.0, 1.0], 50_000)) == pytest.approx(1, abs=1e-3)
    assert sarle_b(np.random.default_rng(0).normal(size=100_000)) == pytest.approx(1 / 3, abs=0.01)
