"""Threshold interception and fusion once more: every place ranked, thresholds counted with fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest

from .networks import Chain, Shortcuts, case_of
from .resizing import bilinear, stretched


def top(scores, share):
    """The score that a share of all places reaches: the ⌈tN⌉-th largest, the largest for t = 0."""
    return sorted(scores.ravel(), reverse=True)[max(math.ceil(share * scores.size), 1) - 1]


def fused(case, method, alpha):
    """TIF of each picture, from the maps that the package gives."""
    maps = case.found(method)
    for sample in range(3):
        total = 0
        for index, layer in enumerate(case.kind.layers):
            scores = np.maximum(bilinear(maps[layer][sample].sum(0), 4), 0)
            shares = [Fraction(index + step, 4) * (1 - Fraction(alpha)) for step in (1, 0)]
            low, high = (top(scores, share) for share in shares)
            kept = np.minimum(np.where(scores > low, scores, 0), high)
            total = total + (stretched(kept) if kept.max() > kept.min() else 0)
        yield total


@pytest.mark.parametrize("method", ["deeplift", "input_x_gradient", "gradient", "lrp_z", "cameras(largest=225)"])
@pytest.mark.parametrize("alpha", ["0", "0.5", "0.7", "0.9"])
def test_tif_equals_its_ranking(method, alpha):
    case = case_of(Shortcuts)
    found = case.found(f"tif({method}, {alpha})", ["input"])["input"]
    for sample, expected in enumerate(fused(case, method, alpha)):
        np.testing.assert_allclose(found[sample, 0], expected, rtol=1e-9, atol=1e-11)


def test_a_layer_of_one_place_adds_nothing():
    """Its map is constant, whatever rounding the enlargement does to it."""
    case = case_of(Chain)
    assert case.shape("relu_1")[1:] == (1, 1)
    found = case.found("tif(deeplift, 0.5)", ["input"])["input"]
    for sample, expected in enumerate(fused(case, "deeplift", "0.5")):
        np.testing.assert_allclose(found[sample, 0], expected, rtol=1e-9, atol=1e-11)
