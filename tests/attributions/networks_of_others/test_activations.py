"""Activations that are no ReLU: rules that change the signal at ReLUs refuse them, the others are right on them."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.refusal import NotDefined

from .rules import TARGET, answers, differences, pictures

RELUS = {
    "ReLU": nn.ReLU(),
    "ReLU6": nn.ReLU6(),
    "Hardtanh(0, 6)": nn.Hardtanh(0, 6),
    "Threshold(0, 0)": nn.Threshold(0, 0),
}
OTHERS = {
    str(module): module
    for module in (
        *(
            nn.SiLU(),
            nn.GELU(),
            nn.Hardswish(),
            nn.LeakyReLU(),
            nn.PReLU(),
            nn.ELU(),
            nn.Mish(),
            nn.Tanh(),
            nn.Softsign(),
        ),
        *(nn.Sigmoid(), nn.Softplus(), nn.LogSigmoid(), nn.Hardsigmoid(), nn.Softshrink(), nn.Tanhshrink(), nn.CELU()),
        *(nn.Hardshrink(), nn.SELU(), nn.Hardtanh()),
    )
}
AT_RELUS = ("guided_backprop", "input_x_guided_backprop", "deconv", "rectgrad", "activation", "guided_grad_cam")


def network(activation, seed=0):
    """Two convolutions and a head, no bias."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = (nn.Conv2d(2, 6, 3, bias=False), activation, nn.Conv2d(6, 5, 3, bias=False), activation)
        made = nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4, bias=False)).double().eval()
        for module in made:
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.weight.data *= 4
    return made


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("rule", AT_RELUS)
def test_rules_of_relus_refuse_other_activations_by_name(rule, name):
    canonical = canonicalise(network(OTHERS[name]), (2, 8, 8))
    with pytest.raises(NotDefined, match=r"an activation that is no ReLU, '1' .*activation='any'"):
        build(rule).attribute(canonical, pictures(), TARGET, ["input"])


@pytest.mark.parametrize("name", OTHERS)
def test_with_any_activation_the_rule_is_its_own(name):
    """Guided backpropagation by hand: ``σ'(x) max(r, 0)``; it is not the gradient."""
    made, x = network(OTHERS[name]), pictures()
    canonical = canonicalise(made, (2, 8, 8))
    found = build("guided_backprop(activation='any')").attribute(canonical, x, TARGET, ["input"])["input"]

    class Guided(torch.autograd.Function):
        @staticmethod
        def forward(context, value):
            context.save_for_backward(value)
            return made[1](value)

        @staticmethod
        def backward(context, signal):
            (value,) = context.saved_tensors
            with torch.enable_grad():
                leaf = value.detach().requires_grad_()
                return torch.autograd.grad(made[1](leaf), leaf, signal.clamp(min=0))[0]

    def logit(activate):
        start = x.clone().requires_grad_()
        hidden = activate(made[2](activate(made[0](start))))
        return torch.autograd.grad(made[6](hidden.mean((2, 3))).gather(1, TARGET[:, None]).sum(), start)[0]

    assert torch.allclose(found, logit(Guided.apply), rtol=1e-9, atol=1e-12)
    assert not torch.allclose(found, logit(made[1]), rtol=1e-3)


@pytest.mark.parametrize("name", RELUS)
def test_relus_with_and_without_a_ceiling(name):
    """ReLU6 hands guided signal on where it rises, and the spellings of one function agree."""
    made, x = network(RELUS[name]), pictures() * 8
    canonical = canonicalise(made, (2, 8, 8))
    found = build("guided_backprop").attribute(canonical, x, TARGET, ["input"])["input"]
    ceiling = 6.0 if "6" in name else float("inf")

    def back(signal, value):
        return signal.clamp(min=0) * ((value > 0) & (value < ceiling))

    with torch.no_grad():
        first = made[0](x)
        second = made[2](made[1](first))
        signal = made[6].weight[TARGET][:, :, None, None].expand_as(second) / second[0, 0].numel()
        below = F.conv_transpose2d(back(signal, second), made[2].weight)
        expected = F.conv_transpose2d(back(below, first), made[0].weight)
    assert torch.allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert "6" not in name or bool((first > 6).any())


@pytest.mark.parametrize("name", {**OTHERS, **RELUS})
@pytest.mark.parametrize("rule", ["lrp_z", "lrp_alpha_beta", "deeplift"])
def test_what_passes_activations_keeps_the_whole(rule, name):
    """Without biases: every layer's map sums to the logit, of DeepLIFT to its difference from zero's."""
    activation = {**OTHERS, **RELUS}[name]
    made, x = network(activation), pictures()
    canonical = canonicalise(made, (2, 8, 8))
    maps = build(rule).attribute(canonical, x, TARGET, canonical.layers)
    logit = made(x).gather(1, TARGET[:, None])[:, 0].detach()
    for layer, values in maps.items():
        zero = torch.zeros(1, *canonical.shapes[layer], dtype=torch.float64)
        base = canonical.run(zero, after=layer)[0][0, TARGET] if rule == "deeplift" else 0
        off = (values.sum((1, 2, 3)) - (logit - base)).abs() / values.abs().sum((1, 2, 3))
        # What is nothing has nothing to pass to: a shrunk value is zero, and what it stood for is lost and counted.
        if "hrink" not in name or rule == "deeplift":
            assert float(off.max()) < 1e-6, layer
        assert torch.allclose(values.sum((1, 2, 3)) + maps.lost[layer], logit - base, rtol=1e-9)


SPELT = {
    "silu": (nn.SiLU(), lambda x: x * torch.sigmoid(x)),
    "hard swish": (nn.Hardswish(), lambda x: x * F.relu6(x + 3) / 6),
    "hard sigmoid": (nn.Hardsigmoid(), lambda x: F.relu6(x + 3) / 6),
    "gelu": (
        nn.GELU(approximate="tanh"),
        lambda x: 0.5 * x * (1 + torch.tanh(0.7978845608028654 * (x + 0.044715 * x**3))),
    ),
    "mish": (nn.Mish(), lambda x: x * torch.tanh(F.softplus(x))),
    "leaky": (nn.LeakyReLU(0.2), lambda x: torch.where(x > 0, x, 0.2 * x)),
    "relu6": (nn.ReLU6(), lambda x: x.clamp(0, 6)),
    "relu6 twice": (nn.ReLU6(), lambda x: torch.clamp(F.relu(x), max=6)),
}


@pytest.mark.parametrize("name", SPELT)
def test_an_activation_written_out_is_the_activation(name):
    module, written = SPELT[name]

    class Written(nn.Module):
        def forward(self, x):
            return written(x)

    one, other = network(module), network(Written())
    x = pictures() * 3
    assert torch.allclose(one(x), other(x), rtol=1e-9)
    # Torch's hard sigmoid takes a sixth in single precision.
    tolerance = 1e-6 if "hard" in name else 1e-9
    assert differences(answers(one, x, TARGET), answers(other, x, TARGET), tolerance) == {}


@pytest.mark.parametrize("rule", ["rectgrad", "rectgrad(50)"])
def test_rectgrad_in_bfloat16(rule):
    made = network(nn.ReLU()).bfloat16()
    canonical = canonicalise(made, (2, 8, 8))
    found = build(rule).attribute(canonical, pictures().bfloat16(), TARGET, ["input"])["input"]
    assert found.dtype is torch.bfloat16
    assert found.isfinite().all()
    assert found.any()
