"""Rules that average gradients, as finite sums of gradients that the matrices give; float64, no autograd."""

import numpy as np
import pytest
import torch

from .networks import KINDS, case_of
from .operations import back, chained, forward
from .ways import Plain


def gradient(segments, values, target):
    """Of the target's logit at the input of ``segments``."""
    operations = chained(segments)
    forward(operations, values)
    return back(operations, np.eye(3)[target], Plain())


def gauss(steps):
    """Golub and Welsch: nodes and weights from the recurrence of the Legendre polynomials."""
    n = np.arange(1, steps)
    side = n / np.sqrt(4 * n**2 - 1)
    nodes, vectors = np.linalg.eigh(np.diag(side, 1) + np.diag(side, -1))
    return (nodes + 1) / 2, vectors[0] ** 2


QUADRATURES = {
    "gauss_legendre": gauss,
    "middle": lambda steps: ([(2 * step + 1) / (2 * steps) for step in range(steps)], [1 / steps] * steps),
    "right": lambda steps: ([(step + 1) / steps for step in range(steps)], [1 / steps] * steps),
}


def compare(case, method, expected):
    found = case.found(method)
    for sample, (_, tensors, _, target) in enumerate(case.runs()):
        for index, layer in enumerate(case.kind.layers):
            array = expected(case.network.segments()[index:], tensors[index], target, case.shape(layer))
            np.testing.assert_allclose(found[layer][sample].ravel(), array, rtol=1e-9, atol=1e-11, err_msg=layer)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("quadrature", QUADRATURES)
@pytest.mark.parametrize("steps", [1, 5, 13])
def test_integrated_gradients_are_a_sum_over_the_way(kind, quadrature, steps):
    def expected(segments, a, target, shape):
        nodes, weights = QUADRATURES[quadrature](steps)
        rows = [gradient(segments, node * a, target) for node in nodes]
        return a * sum(weight * row for weight, row in zip(weights, rows, strict=True))

    compare(case_of(kind), f"integrated_gradients(steps={steps}, quadrature='{quadrature}')", expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("multiplied", [False, True])
@pytest.mark.parametrize("seed", [0, 7])
def test_smoothgrad_is_a_mean_over_the_documented_noise(kind, squared, multiplied, seed):
    """Standard normal from the seed alone, in single precision, the same for all pictures."""

    def expected(segments, a, target, shape):
        generator = torch.Generator().manual_seed(seed)
        noise = [torch.randn(shape, generator=generator).double().numpy() for _ in range(6)]
        sigma = 0.3 * (a.max() - a.min())
        rows = np.array([gradient(segments, a + sigma * part.ravel(), target) for part in noise])
        mean = np.mean(rows**2 if squared else rows, 0)
        return a * mean if multiplied else mean

    name = "input_x_smoothgrad" if multiplied else "smoothgrad"
    compare(case_of(kind), f"{name}(samples=6, noise=0.3, squared={squared}, seed={seed})", expected)
