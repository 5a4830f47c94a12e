"""DeepLIFT's rescale rule once more: two runs side by side, in float64 and without autograd."""

import numpy as np
import pytest

from .networks import KINDS, Chain, case_of
from .operations import Linear, MaxPool, Relu, Sum, chained, forward


def multipliers(operations, references, m):
    """``m`` at the output of ``operations`` to that at their input; both chains have been run."""
    for one, zero in zip(reversed(operations), reversed(references), strict=True):
        m = BACK[type(one)](one, zero, m)
    return m


def linear(one, zero, m):
    return one.matrix.T @ m


def rescale(one, zero, m):
    below, above = one.x - zero.x, one.y - zero.y
    small = np.abs(below) < 1e-7
    return np.where(small, m * (one.x > 0), m * above / np.where(small, 1, below))


def pool(one, zero, m):
    """What a window rose goes to the picture's maximum, what it fell to the baseline's."""
    given = np.zeros_like(one.x)
    for high, low, rise, signal in zip(one.winners, zero.winners, one.y - zero.y, m, strict=True):
        given[high if rise > 0 else low] += rise * signal
    below = one.x - zero.x
    assert not given[below == 0].any()
    return np.where(below == 0, 0, given / np.where(below == 0, 1, below))


def branches(one, zero, m):
    return sum(multipliers(*pair, m) for pair in zip(one.branches, zero.branches, strict=True))


BACK = {Linear: linear, Relu: rescale, MaxPool: pool, Sum: branches}


@pytest.mark.parametrize("kind", KINDS)
def test_deeplift_equals_its_matrices(kind):
    case = case_of(kind)
    found = case.found("deeplift")
    for sample, (_, tensors, logits, target) in enumerate(case.runs()):
        for index, layer in enumerate(kind.layers):
            pair = [chained(case.network.segments()[index:]) for _ in range(2)]
            base = forward(pair[1], np.zeros_like(tensors[index]))
            forward(pair[0], tensors[index])
            expected = tensors[index] * multipliers(*pair, np.eye(3)[target])
            np.testing.assert_allclose(found[layer][sample].ravel(), expected, rtol=1e-9, atol=1e-11, err_msg=layer)
            np.testing.assert_allclose(expected.sum(), (logits - base)[target], rtol=1e-9, atol=1e-11)


def test_windows_rise_and_fall_on_this_network():
    """Otherwise the max-pool's rule was not looked at from both sides."""
    case = case_of(Chain)
    zero = case.network.segments()
    forward(zero[0] + zero[1], np.zeros(32))
    rises = [segments[1][0].y - zero[1][0].y for segments, *_ in case.runs()]
    assert (np.array(rises) > 0).any()
    assert (np.array(rises) < 0).any()
