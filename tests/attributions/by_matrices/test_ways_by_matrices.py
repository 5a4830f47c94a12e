"""Rules of one way back, once more, in float64 and without autograd."""

import itertools

import numpy as np
import pytest

from .networks import KINDS, Shortcuts, case_of
from .ways import Activation, Deconv, Guided, Plain, Rect, signals


def arrived(a, r):
    return r


def multiplied(a, r):
    return a * r


def positive(a, r):
    return np.maximum(a * r, 0)


def weighted(a, r):
    return (r.mean((1, 2), keepdims=True) * a).sum(0, keepdims=True)


RULES = {
    "gradient": (Plain(), arrived),
    "input_x_gradient": (Plain(), multiplied),
    "guided_backprop": (Guided(), arrived),
    "input_x_guided_backprop": (Guided(), multiplied),
    "grad_cam": (Plain(), weighted),
    "activation": (Activation(), arrived),
    "deconv": (Deconv(), arrived),
    "rectgrad": (Rect(), positive),
    "rectgrad(percentile=75)": (Rect(75), positive),
    "rectgrad(percentile=0)": (Rect(0), positive),
    "rectgrad(percentile=5, bottom=false)": (Rect(5), arrived),
    "rectgrad(percentile=70, bottom=false, padding=true)": (Rect(70, padding=True), arrived),
    "rectgrad(percentile=70, bottom=false, proportional=true)": (Rect(70, proportional=True), arrived),
    "rectgrad(percentile=60, padding=true, proportional=true)": (Rect(60, True, True), positive),
}


def compare(case, found, expected):
    """``found`` of the package; ``expected(run)`` gives a picture's arrays for the layers of ``found``, in order."""
    for sample, run in enumerate(case.runs()):
        for layer, array in zip(found, expected(*run), strict=True):
            np.testing.assert_allclose(found[layer][sample], array, rtol=1e-9, atol=1e-11, err_msg=layer)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_equals_its_matrices(kind, rule):
    case = case_of(kind)
    way, read = RULES[rule]

    def expected(segments, tensors, logits, target):
        found = signals(segments, np.eye(3)[target], way)
        for layer, a, r in zip(kind.layers, tensors, found, strict=True):
            shape = case.shape(layer)
            yield read(a.reshape(shape), r.reshape(shape))

    compare(case, case.found(rule), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_matrices_are_the_network(kind):
    case = case_of(kind)
    for folded in (True, False):
        logits = [logits for _, _, logits, _ in case.runs(folded=folded)]
        np.testing.assert_allclose(case.canonical(case.x).numpy(), logits, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_rules_differ_on_these_networks(kind):
    """Otherwise the comparison could not tell one from another."""
    case = case_of(kind)
    same = {"rectgrad(percentile=70, bottom=false, proportional=true)"} if kind is Shortcuts else set()  # no max-pool
    found = {rule: case.found(rule) for rule in RULES if rule not in same}
    maps = {rule: np.concatenate([part.sum(1).ravel() for part in parts.values()]) for rule, parts in found.items()}
    for one, other in itertools.combinations(maps, 2):
        assert not np.allclose(maps[one], maps[other], rtol=1e-3), (one, other)


WAYS = {
    "guided_backprop": Guided(),
    "deconv": Deconv(),
    "activation": Activation(),
    "rectgrad(70)": Rect(70),
    "gradient": Plain(),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("method", "below"), [*((method, "gradient") for method in WAYS), ("rectgrad(70)", "guided_backprop")]
)
@pytest.mark.parametrize("levels", range(5))
def test_a_cascade_changes_rules_at_a_layer(kind, method, below, levels):
    case = case_of(kind)
    ways = [WAYS[below]] * (4 - levels) + [WAYS[method]] * levels
    for bottom in (False, True):

        def expected(segments, tensors, logits, target, bottom=bottom):
            for layer, a, r in zip(kind.layers, tensors, signals(segments, np.eye(3)[target], *ways), strict=True):
                yield (a * r if bottom else r).reshape(case.shape(layer))

        text = f"cascade({method}, {levels}, below={below}, bottom={bottom})"
        compare(case, case.found(text), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("index", range(1, 4))
def test_an_activation_goes_back_from_its_layer(kind, method, index):
    case, name = case_of(kind), kind.layers[index]
    below = list(kind.layers[: index + 1])
    positive = method.startswith("rectgrad")

    def expected(segments, tensors, logits, target):
        found = [*signals(segments[:index], tensors[index], WAYS[method]), tensors[index]]
        for layer, a, r in zip(below, tensors, found, strict=False):
            yield (np.maximum(a * r, 0) if positive else r).reshape(case.shape(layer))

    compare(case, case.found(f"from_activation({method}, layer='{name}')", below), expected)


def selected(a, share, units):
    """One for the units whose activation is among the largest or smallest that are not zero."""
    alive = sorted((abs(value), place) for place, value in enumerate(a) if value != 0)
    count = -int(-round(share * len(alive), 9) // 1)
    chosen = alive[len(alive) - count :] if units == "largest" else alive[:count]
    return np.isin(np.arange(len(a)), [place for _, place in chosen])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("units", ["largest", "smallest"])
@pytest.mark.parametrize(("share", "index"), [(0.1, 0), (0.1, 1), (0.3, 2), (0.5, 3), (1, 1)])
def test_only_some_units_hand_the_signal_on(kind, units, share, index):
    case, name = case_of(kind), kind.layers[index]
    below = list(kind.layers[: index + 1])

    def expected(segments, tensors, logits, target):
        above = signals(segments[index:], np.eye(3)[target], Guided())[0]
        kept = above * selected(tensors[index], share, units)
        found = [*(signals(segments[:index], kept, Guided()) if index else []), kept]
        for layer, r in zip(below, found, strict=True):
            yield r.reshape(case.shape(layer))

    text = f"restricted(guided_backprop, units='{units}', share={share}, layer='{name}')"
    compare(case, case.found(text, below), expected)
