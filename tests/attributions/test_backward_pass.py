import pytest
import torch
from torch import nn

from peephole.attributions.backward import backward, by_type
from peephole.attributions.graph import canonicalise


@pytest.fixture
def canonical(residual):
    return canonicalise(residual.double())


@pytest.fixture
def x(pictures):
    return pictures.double()


TARGET = torch.tensor([0, 4, 2])


def test_gradients_at_all_cut_points_are_those_of_the_part_above(canonical, x):
    signal = backward(canonical, x, TARGET, canonical.cuts)
    for cut in canonical.cuts:
        activation = canonical.run(x, until=cut)[0].requires_grad_()
        score = canonical.above(cut)(activation).gather(1, TARGET[:, None]).sum()
        (expected,) = torch.autograd.grad(score, activation)
        assert torch.equal(signal.activation[cut], activation)
        assert torch.allclose(signal.gradient[cut], expected, rtol=1e-12, atol=1e-14)
    assert torch.allclose(signal.logits, canonical(x), rtol=1e-12)


def test_gradients_against_central_differences(canonical, x):
    signal = backward(canonical, x, TARGET, ["input"])
    start = signal.activation["input"]
    step = torch.zeros_like(start)
    step[:, 1, 3, 4] = 1e-6
    high, low = (canonical.run(start + sign * step, after="input")[0].gather(1, TARGET[:, None]) for sign in (1, -1))
    assert torch.allclose((high - low)[:, 0] / 2e-6, signal.gradient["input"][:, 1, 3, 4], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("grad_mode", [True, False])
def test_nothing_is_left_behind(canonical, x, grad_mode):
    rng = torch.get_rng_state()
    x.requires_grad_()
    with torch.set_grad_enabled(grad_mode):
        signal = backward(canonical, x, TARGET, canonical.layers)
        assert torch.is_grad_enabled() is grad_mode
    assert x.grad is None
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in canonical.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in canonical.modules())
    tensors = (signal.logits, *signal.activation.values(), *signal.gradient.values())
    assert not any(tensor.requires_grad for tensor in tensors)
    assert torch.equal(torch.get_rng_state(), rng)


def test_below_the_lowest_layer_nothing_is_recorded(canonical, x):
    recording = {}
    handles = [
        site.module.register_forward_hook(lambda *_, name=site.name: recording.update({name: torch.is_grad_enabled()}))
        for site in canonical.sites
    ]
    backward(canonical, x, TARGET, ["blocks.1", "max_pool2d"])
    for handle in handles:
        handle.remove()
    names = [site.name for site in canonical.sites]
    first = names.index("max_pool2d") + 1
    assert recording == {name: index >= first for index, name in enumerate(names)}


def test_substitutions_go_by_type_and_base_class(canonical, x):
    class Special(nn.ReLU):
        pass

    seen = []

    def substitution(module, *inputs):
        seen.append(module)
        return module(*inputs)

    special = canonical.network.relu
    special.__class__ = Special
    found = backward(canonical, x, TARGET, ["input"], by_type({nn.ReLU: substitution, nn.Linear: substitution}))
    assert seen == [site.module for site in canonical.sites if isinstance(site.module, nn.ReLU | nn.Linear)]
    assert special in seen
    assert torch.equal(found.gradient["input"], backward(canonical, x, TARGET, ["input"]).gradient["input"])
    special.__class__ = nn.ReLU


def test_a_caller_can_choose_by_call_site(canonical, x):
    """As a cascade does: a rule above one layer, the plain gradient below it."""

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, value):
            return value.clone()

        @staticmethod
        def backward(ctx, signal):
            return 2 * signal

    top = {site.name for site in canonical.above("blocks.1").sites}

    def call(site):
        return (lambda value: Twice.apply(site.module(value))) if site.name in top else site.module

    doubled = 2.0 ** (len(top) - 1)  # every site but the entry, which is no site of the whole
    plain = backward(canonical, x, TARGET, ["input"]).gradient["input"]
    assert torch.allclose(backward(canonical, x, TARGET, ["input"], call).gradient["input"], doubled * plain)


@pytest.mark.parametrize(
    ("bend", "heard"), [(lambda x: x.detach(), False), (lambda x: x.detach() + x.mean((1, 2, 3), keepdim=True), True)]
)
def test_a_layer_that_the_logits_do_not_hear_gets_zeros(bend, heard):
    class Bent(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, x):
            return bend(self.conv(x).sigmoid()).mean((2, 3))

    canonical = canonicalise(Bent(), (3, 4, 4))
    x = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    found = backward(canonical, x, torch.tensor([0, 1]), ["input", "sigmoid"]).gradient
    assert found["input"].shape == x.shape
    assert all(bool(gradient.any()) is heard for gradient in found.values())
