"""FullGrad once more: the gradient at every bias, site by site; float64, no autograd."""

import numpy as np
import pytest

from .networks import KINDS, case_of
from .resizing import bilinear, stretched
from .ways import Plain, signals


class Noted(Plain):
    """The chain rule that notes what arrives at every operation that has a bias."""

    def __init__(self):
        self.terms = []

    def linear(self, operation, r):
        self.terms.append((operation, r))
        return super().linear(operation, r)


@pytest.mark.parametrize("kind", KINDS)
def test_fullgrad_equals_its_matrices(kind):
    case = case_of(kind)
    found = case.found("fullgrad")
    for sample, (segments, tensors, logits, target) in enumerate(case.runs(folded=False)):
        for index, (layer, a) in enumerate(zip(kind.layers, tensors, strict=True)):
            way, shape = Noted(), case.shape(layer)
            gradient = signals(segments[index:], np.eye(3)[target], way)[0]
            expected = stretched(np.abs(a * gradient), 1e-6).reshape(shape).sum(0)
            for operation, r in way.terms:
                if operation.grid is not None:
                    channels, side = operation.grid
                    term = stretched(np.abs(operation.bias * r), 1e-6).reshape(channels, side, side).sum(0)
                    expected = expected + bilinear(term, shape[1], corners=True)
            np.testing.assert_allclose(found[layer][sample, 0], expected, rtol=1e-9, atol=1e-11, err_msg=layer)
            whole = a @ gradient + sum(operation.bias @ r for operation, r in way.terms)
            np.testing.assert_allclose(whole, logits[target], rtol=1e-9)
