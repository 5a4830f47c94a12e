"""The relevance rules once more, as relevance, in float64 and without autograd."""

import itertools

import numpy as np
import pytest

from .networks import KINDS, Shortcuts, case_of
from .operations import Sum, back, chained
from .relevances import AlphaBeta, Bounded, Epsilon, Positive
from .ways import signals

RULES = {
    "lrp_z": Epsilon(0, relative=False),
    "lrp_epsilon": Epsilon(0.25, relative=True),
    "lrp_epsilon(epsilon=0.1, relative=false)": Epsilon(0.1, relative=False),
    "lrp_alpha_beta": AlphaBeta(2),
    "lrp_alpha_beta(alpha=3)": AlphaBeta(3),
    "lrp_alpha_beta(bias=true)": AlphaBeta(2, bias=True),
    "lrp_alpha1_beta0": Positive(),
    "lrp_alpha1_beta0(bias=true)": Positive(bias=True),
}


def relevance(case, run, way, *, start=None):
    """What the rule gives each layer, from the target's logit or from ``start`` at the target."""
    segments, _, logits, target = run
    first = np.eye(3)[target] * (logits[target] if start is None else start)
    return signals(segments, first, way)


def compare(case, found, expected):
    for sample, arrays in enumerate(expected):
        for layer, array in zip(case.kind.layers, arrays, strict=True):
            np.testing.assert_allclose(found[layer][sample].ravel(), array, rtol=1e-8, atol=1e-10, err_msg=layer)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", RULES)
def test_a_relevance_rule_equals_its_matrices(kind, rule):
    case = case_of(kind)
    compare(case, case.found(rule), (relevance(case, run, RULES[rule]) for run in case.runs()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", RULES)
def test_without_the_bottom_the_map_is_relevance_over_activation(kind, rule):
    case = case_of(kind)
    text = f"{rule[:-1]}, bottom=false)" if rule.endswith(")") else f"{rule}(bottom=false)"
    found = case.found(text)
    for sample, run in enumerate(case.runs()):
        for layer, a, expected in zip(kind.layers, run[1], relevance(case, run, RULES[rule]), strict=True):
            on = a != 0
            np.testing.assert_allclose(found[layer][sample].ravel()[on], expected[on] / a[on], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_positive_shares_without_the_bottom_where_the_activation_is_zero(kind):
    """There the positive weights count: ``r_i = Σ_j w_ij⁺ R_j / Σ_k z_kj⁺`` over the sites that read the layer."""
    case = case_of(kind)
    found = case.found("lrp_alpha1_beta0(bottom=false)")
    layer = kind.layers[-1]
    for sample, (segments, tensors, logits, target) in enumerate(case.runs()):
        # The segment is [dense, ReLU, dense] or [mean, dense].
        *upper, lowest = reversed(segments[-1])
        arrived = back(list(reversed(upper)), np.eye(3)[target] * logits[target], Positive())
        w, x = lowest.matrix, tensors[-1]
        if lowest.kind == "mean":
            expected = w.T @ np.where(lowest.y == 0, 0, arrived / np.where(lowest.y == 0, 1, lowest.y))
            known = (w.T @ (lowest.y != 0)) > 0
        else:
            z = np.maximum(w * x, 0).sum(1)
            share = np.where(z > 0, arrived / np.where(z > 0, z, 1), 0)
            expected, known = np.maximum(w, 0).T @ share, np.ones(len(x), bool)
        np.testing.assert_allclose(found[layer][sample].ravel()[known], expected[known], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_excitation_starts_from_a_probability_of_one(kind):
    case = case_of(kind)
    compare(case, case.found("excitation_backprop"), (relevance(case, run, Positive(), start=1) for run in case.runs()))
    apart = (relevance(case, run, Positive(), start=1) for run in case.runs(folded=False))
    compare(case, case.found("excitation_backprop(batch_norm='identity')"), apart)


@pytest.mark.parametrize("kind", KINDS)
def test_deep_taylor_bounds_the_picture(kind):
    """zᴮ at the operation that reads the picture, between black and white as the network gets them."""
    case = case_of(kind)
    low, high = (np.repeat([(value - 0.5) / 0.25, (value - float(np.float32(0.4))) / 0.5], 16) for value in (0, 1))

    def expected(run):
        segments, _, _, _ = run
        _, *upper = relevance(case, run, Positive())
        return [back(segments[0][:1], back(segments[0][1:], upper[0], Positive()), Bounded(low, high)), *upper]

    compare(case, case.found("dtd"), map(expected, case.runs()))
    plain, other = case.found("dtd(bottom=false)"), case.found("lrp_alpha1_beta0(bottom=false)")
    for layer in kind.layers:
        np.testing.assert_array_equal(plain[layer], other[layer])


@pytest.mark.parametrize("kind", KINDS)
def test_the_relevance_rules_differ_on_these_networks(kind):
    case = case_of(kind)
    rules = [*RULES, "dtd", "excitation_backprop"]
    maps = {rule: case.found(rule, ["input"])["input"] for rule in rules}
    for one, other in itertools.combinations(rules, 2):
        assert not np.allclose(maps[one], maps[other], rtol=1e-3), (one, other)


def test_some_outputs_have_contributions_of_one_sign_only():
    """Otherwise the αβ-rule's choice there was not looked at."""
    signs = set()
    for segments, *_ in case_of(Shortcuts).runs():
        operations = list(chained(segments))
        operations += [
            one for operation in operations if isinstance(operation, Sum) for one in chained(operation.branches)
        ]
        for operation in (one for one in operations if getattr(one, "kind", "") == "weights"):
            contributions = operation.matrix * operation.x
            signs |= set(zip((contributions > 0).any(1).tolist(), (contributions < 0).any(1).tolist(), strict=True))
    assert {(True, True), (True, False), (False, True)} <= signs
