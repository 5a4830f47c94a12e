import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.graph import canonicalise
from peephole.attributions.operations import Add

ONE_PASS = (
    "activation",
    "grad_cam",
    "gradient",
    "guided_backprop",
    "input_x_gradient",
    "input_x_guided_backprop",
)


class Block(nn.Module):
    def __init__(self, bias):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1, bias=bias)
        self.relu = nn.ReLU()
        self.add = Add()

    def forward(self, x):
        return self.add(x, self.relu(self.conv(x)))


def network(seed, *, bias=True, linear=False):
    """A small residual network of random weights, in float64."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        activation = nn.Identity if linear else nn.ReLU
        body = [nn.Conv2d(2, 3, 3, padding=1, bias=bias), activation(), nn.AvgPool2d(2)]
        body += [nn.Conv2d(3, 3, 1, bias=bias)] if linear else [Block(bias)]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3, bias=bias)]
        return nn.Sequential(*body, *head).double()


def explain(rule, model, x, target):
    canonical = canonicalise(model, (2, 6, 6))
    return ATTRIBUTIONS[rule]().attribute(canonical, x, target, canonical.layers)


def pictures(seed, count):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 2, 6, 6, dtype=torch.float64, generator=generator)
    return x, torch.randint(3, (count,), generator=generator)


seeds = st.integers(0, 2**16)
rules = st.sampled_from(ONE_PASS)
few = settings(max_examples=15, deadline=None)


@few
@given(rule=rules, seed=seeds, order=st.permutations(range(5)), keep=st.integers(1, 5))
def test_a_map_does_not_depend_on_the_batch(rule, seed, order, keep):
    model = network(seed)
    x, target = pictures(seed, 5)
    chosen = list(order)[:keep]
    whole = explain(rule, model, x, target)
    part = explain(rule, model, x[chosen], target[chosen])
    for layer, values in part.items():
        assert torch.allclose(values, whole[layer][chosen], rtol=1e-9, atol=1e-12)


@few
@given(seed=seeds)
def test_a_network_without_biases_hands_its_logit_down(seed):
    """Euler: a positively homogeneous function is the inner product of its argument and its gradient."""
    model = network(seed, bias=False)
    x, target = pictures(seed, 3)
    logit = model(x).gather(1, target[:, None])[:, 0]
    for values in explain("input_x_gradient", model, x, target).values():
        assert torch.allclose(values.sum((1, 2, 3)), logit, rtol=1e-9, atol=1e-12)


@few
@given(seed=seeds)
def test_on_a_linear_network_the_rules_that_change_relus_are_the_gradient(seed):
    model = network(seed, linear=True)
    x, target = pictures(seed, 2)
    expected = explain("gradient", model, x, target)
    other = explain("gradient", model, x + 1, target)
    guided, activation = (explain(rule, model, x, target) for rule in ("guided_backprop", "activation"))
    for layer, values in expected.items():
        assert torch.equal(guided[layer], values)
        assert torch.equal(activation[layer], values)
        assert torch.allclose(other[layer], values, rtol=1e-12)


@few
@given(seed=seeds, scale=st.floats(0.1, 10))
def test_activation_grows_with_the_picture_where_there_are_no_biases(seed, scale):
    model = network(seed, bias=False)
    x, target = pictures(seed, 2)
    one, scaled = (explain("activation", model, factor * x, target)["input"] for factor in (1, scale))
    assert torch.allclose(scaled, scale * one, rtol=1e-9, atol=1e-12)


@few
@given(seed=seeds)
def test_activation_below_the_last_relu_does_not_know_the_target(seed):
    model = network(seed)
    x, _ = pictures(seed, 2)
    zero, one = (explain("activation", model, x, torch.full((2,), label)) for label in (0, 1))
    assert torch.equal(zero["input"], one["input"])
    top = list(zero)[-1]
    assert not torch.equal(zero[top], one[top])


def test_below_a_relu_its_activation_arrives():
    canonical = canonicalise(network(0), (2, 6, 6))
    x, target = pictures(0, 2)
    found = ATTRIBUTIONS["activation"]().attribute(canonical, x, target, ["0"])["0"]
    assert torch.equal(found, canonical.run(x, until="1")[0])
    assert not found.requires_grad


@few
@given(seed=seeds)
def test_grad_cam_below_global_mean_and_linear_is_the_class_activation_map(seed):
    """There, Grad-CAM is CAM (Zhou et al. 2016) over the number of places: it sums to the logit less its bias."""
    model = network(seed)
    x, target = pictures(seed, 2)
    values = list(explain("grad_cam", model, x, target).values())[-1]
    linear = model[-1]
    logit = model(x).gather(1, target[:, None])[:, 0] - linear.bias[target]
    assert torch.allclose(values.sum((1, 2, 3)), logit, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rule", ONE_PASS)
def test_dead_relus_give_finite_maps(rule):
    model = network(0)
    nn.init.constant_(model[0].bias, -1e6)
    x, target = pictures(0, 2)
    found = explain(rule, model, x, target)
    assert all(values.isfinite().all() for values in found.values())
    assert not found["input"].any()


@pytest.mark.parametrize("rule", ONE_PASS)
def test_a_black_picture_gives_finite_maps(rule):
    x, target = pictures(0, 2)
    found = explain(rule, network(1), torch.zeros_like(x), target)
    assert all(values.isfinite().all() for values in found.values())
    multiplies = rule in ("input_x_gradient", "input_x_guided_backprop", "grad_cam")
    assert bool(found["input"].any()) is not multiplies
