"""Tensors that are changed in place: whoever holds them sees it, or the network is refused."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.graph import canonicalise
from peephole.errors import PeepholeError

from .rules import RULES, TARGET, answers, differences, pictures

FEW = tuple(rule for rule in RULES if not rule.startswith(("cameras", "score_cam", "smoothgrad", "input_x_smoothgrad")))


class Changing(nn.Module):
    def __init__(self, function):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.one, self.two = (nn.Conv2d(channels, 4, 3, padding=1) for channels in (2, 4))
            self.fc = nn.Linear(4, 4)
        self.relu, self.function = nn.ReLU(inplace=True), function
        self.double().eval()

    def forward(self, x):
        return self.fc(self.function(self, self.one(x)).mean((2, 3)))


def as_a_statement(net, x):
    x.mul_(2.0)
    return F.relu(x)


def seen_by_another_name(net, x):
    shortcut = x
    x += net.two(x)
    return F.relu(shortcut)


def by_a_module(net, x):
    shortcut = x
    return net.two(net.relu(x)) + shortcut


def by_a_function(net, x):
    F.relu(x, inplace=True)
    return net.two(x)


def by_a_functions_third_argument(net, x):
    F.leaky_relu(x, 0.0, True)
    return net.two(x)


def into_zeros(net, x):
    sums = torch.zeros_like(x)
    sums += x
    sums.clamp_(min=0)
    return net.two(sums)


def a_number_is_none(net, x):
    side = x.shape[2]
    wider = side
    wider += 1
    return F.relu(net.two(F.pad(x, (0, wider - side, 0, 0))[..., :side]))


SPELLINGS = {
    as_a_statement: lambda net, x: F.relu(2.0 * x),
    seen_by_another_name: lambda net, x: F.relu(x + net.two(x)),
    by_a_module: lambda net, x: (lambda y: net.two(y) + y)(F.relu(x)),
    by_a_function: lambda net, x: net.two(F.relu(x)),
    by_a_functions_third_argument: lambda net, x: net.two(F.relu(x)),
    into_zeros: lambda net, x: net.two(F.relu(x)),
    a_number_is_none: lambda net, x: F.relu(net.two(x)),
}
UNLIKE = {a_number_is_none: {"tif"}}
"""Rules that count layers, of which the other spelling has fewer."""


@pytest.mark.parametrize("function", SPELLINGS, ids=lambda function: function.__name__)
def test_what_is_changed_in_place_is_changed_for_all(function):
    network, other, x = Changing(function), Changing(SPELLINGS[function]), pictures()
    assert torch.allclose(network(x), other(x), rtol=1e-12, atol=1e-12)
    assert torch.allclose(canonicalise(network, (2, 8, 8))(x), network(x), rtol=1e-12, atol=1e-12)
    rules = [rule for rule in FEW if rule not in UNLIKE.get(function, ())]
    assert differences(answers(other, x, TARGET, rules), answers(network, x, TARGET, rules)) == {}


def a_part(net, x):
    x[:, :2].mul_(2.0)
    return x


def a_view(net, x):
    x.view(x.shape[0], -1).mul_(2.0)
    return x


@pytest.mark.parametrize("function", [a_part, a_view])
def test_a_part_that_is_changed_through_a_view_is_refused(function):
    with pytest.raises(PeepholeError, match="gives other logits when it is taken apart"):
        canonicalise(Changing(function), (2, 8, 8))


def test_what_cannot_be_differentiated_is_refused():
    def into_itself(net, x):
        torch.add(x, 1, out=x)
        return x

    with pytest.raises(PeepholeError, match="cannot be differentiated"):
        canonicalise(Changing(into_itself), (2, 8, 8))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("small", [1e-5, 1e-6])
def test_a_small_number_in_a_denominator_is_not_lost(dtype, small):
    """Linear attention divides by small sums: there it decides."""

    def divided(net, x):
        x = F.relu(x) * 1e-4
        return 1e-2 * x / (x.sum(1, keepdim=True) + small)

    network = Changing(divided).to(dtype)
    x = pictures().to(dtype)
    assert torch.allclose(canonicalise(network, (2, 8, 8))(x), network(x), rtol=1e-5, atol=0)


@pytest.mark.parametrize("cap", [5.9995, 6.0005])
@pytest.mark.parametrize("slope", [1.0, 0.9995, 1.0005])
def test_what_is_nearly_a_relu6_is_not_taken_for_one(cap, slope):
    network = Changing(lambda net, x: F.hardtanh(x * 20, 0.0, cap) * slope)
    x = pictures()
    assert torch.allclose(canonicalise(network, (2, 8, 8))(x), network(x), rtol=1e-12, atol=1e-12)
