"""What holds of rules for any weights and any picture."""

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import nn

from peephole.attributions.base import ATTRIBUTIONS, layers_of
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.operations import Add

QUICK = {
    "cameras": "cameras(largest=449)",
    "input_x_smoothgrad": "input_x_smoothgrad(samples=3)",
    "integrated_gradients": "integrated_gradients(steps=4)",
    "smoothgrad": "smoothgrad(samples=3)",
}
METHODS = [QUICK.get(name, name) for name in ATTRIBUTIONS]
ON_LINEAR_GRADIENT = (
    *("gradient", "guided_backprop", "deconv", "activation", "smoothgrad(samples=3)", "rectgrad(bottom=false)"),
    *("lrp_z(bottom=false)", "lrp_epsilon(epsilon=0, bottom=false)", "cascade", "cascade(lrp_z, 2)"),
    "restricted(gradient, share=1)",
)
ON_LINEAR_PRODUCT = (
    *("input_x_gradient", "input_x_guided_backprop", "input_x_smoothgrad(samples=3)", "lrp_z", "deeplift"),
    *("integrated_gradients(steps=3)", "integrated_gradients(3, 'right')", "integrated_gradients(1, 'middle')"),
    *("lrp_epsilon(epsilon=1e-12, relative=false)", "cascade(guided_backprop, 1, bottom=true)"),
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
    canonical, method = canonicalise(model, (2, 6, 6)), build(rule)
    return method.attribute(canonical, x, target, layers_of(method, canonical))


def pictures(seed, count):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 2, 6, 6, dtype=torch.float64, generator=generator)
    return x, torch.randint(3, (count,), generator=generator)


def close(found, expected):
    """Up to the 1e-9 that relevance rules add to outputs, of which some are near zero."""
    assert torch.allclose(found, expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


seeds = st.integers(0, 2**16)
# No shrinking: networks are drawn by a seed, and a smaller one says nothing more.
quick = settings(deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
few, fewer = settings(quick, max_examples=8), settings(quick, max_examples=3)


@pytest.mark.parametrize("rule", METHODS)
@fewer
@given(seed=seeds, order=st.permutations(range(5)), keep=st.integers(1, 5))
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
    for rule in ("input_x_gradient", "lrp_z", "deeplift", "integrated_gradients(steps=2)"):
        for values in explain(rule, model, x, target).values():
            # LRP-z keeps its denominators from zero by 1e-9 a layer.
            assert torch.allclose(values.sum((1, 2, 3)), logit, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("rule", ON_LINEAR_GRADIENT)
@fewer
@given(seed=seeds, bias=st.booleans())
def test_on_a_linear_network_rules_are_the_gradient(rule, seed, bias):
    model = network(seed, linear=True, bias=bias)
    x, target = pictures(seed, 2)
    expected = explain("gradient", model, x, target)
    other = explain("gradient", model, x + 1, target)
    for layer, values in explain(rule, model, x, target).items():
        close(values, expected[layer])
        assert torch.allclose(other[layer], expected[layer], rtol=1e-12)


@pytest.mark.parametrize("rule", ON_LINEAR_PRODUCT)
@fewer
@given(seed=seeds, bias=st.booleans())
def test_on_a_linear_network_multiplied_rules_are_input_times_gradient(rule, seed, bias):
    model = network(seed, linear=True, bias=bias)
    x, target = pictures(seed, 2)
    expected = explain("input_x_gradient", model, x, target)
    for layer, values in explain(rule, model, x, target).items():
        close(values, expected[layer])


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
    # The package lays pictures out with their channels last, where sums are taken in another order.
    assert torch.allclose(found, canonical.run(x, until="1")[0], rtol=1e-12, atol=1e-14)
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


@pytest.mark.parametrize("rule", METHODS)
def test_dead_relus_give_finite_maps(rule):
    model = network(0)
    nn.init.constant_(model[0].bias, -1e6)
    x, target = pictures(0, 2)
    found = explain(rule, model, x, target)
    assert all(values.isfinite().all() for values in found.values())
    # A deconvnet does not ask whether a ReLU was on, Score-CAM not for a gradient, and FullGrad shows biases as well.
    if rule not in ("deconv", "score_cam", "fullgrad"):
        assert not found["input"].any()


MULTIPLIES = {
    *("cameras", "deeplift", "dtd", "excitation_backprop", "grad_cam", "input_x_gradient", "input_x_guided_backprop"),
    *("input_x_smoothgrad", "integrated_gradients", "lrp_alpha1_beta0", "lrp_alpha_beta", "lrp_epsilon", "lrp_z"),
    *("rectgrad", "score_cam"),
}


@pytest.mark.parametrize("rule", METHODS)
def test_a_zero_picture_gives_finite_maps(rule):
    x, target = pictures(0, 2)
    found = explain(rule, network(1), torch.zeros_like(x), target)
    assert all(values.isfinite().all() for values in found.values())
    if rule.partition("(")[0] in MULTIPLIES - {"dtd"}:  # black is a bound of the zᴮ-rule, not its zero
        assert not found["input"].any()


@few
@given(
    seed=seeds,
    alpha=st.floats(0, 0.99),
    rule=st.sampled_from(["deeplift", "gradient", "grad_cam", "lrp_alpha_beta", "fullgrad"]),
)
def test_tif_lies_between_zero_and_the_number_of_layers(seed, alpha, rule):
    model = network(seed)
    x, target = pictures(seed, 3)
    found = explain(f"tif({rule}, {alpha!r})", model, x, target)
    ((layer, values),) = found.items()
    assert layer == "input"
    assert values.shape == (3, 1, 6, 6)
    assert float(values.min()) >= 0
    assert float(values.max()) <= len(canonicalise(model, (2, 6, 6)).layers) + 1e-9
