"""Rules that promise a sum keep it, on networks as they are used."""

import functools

import pytest
import torch

from peephole.attributions.methods import build
from peephole.attributions.rules.fullgrad import bias_at
from peephole.attributions.tape import Tape
from peephole.attributions.way import one_hot

from .large_networks import NETWORKS, TARGET, logit, prepared

network = functools.cache(prepared)
SMALL = ("vgg16_bn", "resnet8")
POOLED = ("torchvision resnet18", "vgg16_bn")
"""These have max-pools after ReLUs."""


def differences(canonical, x):
    """``f_k(A) − f_k(0)`` at each layer."""
    whole = logit(canonical, x)
    for layer in canonical.layers:
        zero = torch.zeros((1, *canonical.shapes[layer]), dtype=x.dtype)
        yield layer, whole - canonical.run(zero, after=layer)[0][0, TARGET].double()


@pytest.mark.parametrize("name", POOLED)
def test_deeplift_sums_to_the_difference_from_a_zero_activation(name):
    canonical, x = network(name)
    maps = build("deeplift").attribute(canonical, x, TARGET, canonical.layers)
    for layer, expected in differences(canonical, x):
        scale = expected.abs() + maps[layer].abs().amax((1, 2, 3))
        assert float(((maps[layer].double().sum((1, 2, 3)) - expected).abs() / scale).max()) < 1e-4, layer


@pytest.mark.parametrize("name", SMALL)
def test_deeplift_sums_exactly_in_double_precision(name):
    canonical, x = network(name, torch.float64)
    maps = build("deeplift(epsilon=1e-12)").attribute(canonical, x, TARGET, canonical.layers)
    for layer, expected in differences(canonical, x):
        assert torch.allclose(maps[layer].sum((1, 2, 3)), expected, rtol=1e-8, atol=1e-10), layer


@pytest.mark.parametrize("name", SMALL)
def test_integrated_gradients_come_closer_with_more_steps(name):
    canonical, x = network(name, torch.float64)
    layers = canonical.layers[-3:]
    expected = dict(differences(canonical, x))
    worst = []
    for steps in (2, 16, 128):
        rule = build(f"integrated_gradients(steps={steps}, quadrature='middle')")
        maps = rule.attribute(canonical, x, TARGET, layers)
        errors = [(maps[layer].sum((1, 2, 3)) - expected[layer]).abs() / expected[layer].abs() for layer in layers]
        worst.append(float(torch.stack(errors).max()))
    assert worst[2] < 0.02
    assert worst[2] <= worst[1] <= worst[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_terms_of_fullgrad_sum_to_the_logit(name):
    """Without ψ, with the biases of linear modules: activation times gradient and every bias times its gradient."""
    canonical, x = network(name)
    tape = Tape(canonical, canonical.run(x, until="input")[0], "input")
    steps = {step.site.output: step for step in tape.steps}
    terms = {}

    def collect(value, signal):
        step = steps.get(value)
        bias = None if step is None else bias_at(step)
        if bias is not None:
            terms[step.position] = (bias * signal).flatten(1).sum(1).double()
        return signal

    keep = {canonical.cut(layer).value: layer for layer in canonical.layers}
    found = tape.back(one_hot(tape.logits, TARGET), lambda step: None, keep=keep, change=collect)
    for value, layer in keep.items():
        own = (tape.activation(layer) * found[value]).double().sum((1, 2, 3))
        whole = own + sum(term for position, term in terms.items() if position >= canonical.depth(layer))
        assert torch.allclose(whole, logit(canonical, x), rtol=1e-3, atol=1e-4), layer
    assert len(terms) >= 7
