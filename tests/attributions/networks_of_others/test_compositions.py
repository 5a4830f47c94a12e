"""One function composed of other operations: where a sum has brackets or an axis another name, maps are the same."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.operations import Operation

from .rules import RULES, TARGET, answers, differences, pictures

FEW = tuple(rule for rule in RULES if not rule.startswith(("cameras", "score_cam", "smoothgrad", "input_x_smoothgrad")))
SLOPES = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)


class Composed(nn.Module):
    """Convolutions of which a function makes something that is averaged and given to a linear layer."""

    def __init__(self, function, seed=1):
        super().__init__()
        self.function = function
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.one, self.two, self.three = (nn.Conv2d(channels, 4, 3, padding=1) for channels in (2, 4, 4))
            self.fc = nn.Linear(4, 4)
        self.double().eval()

    def forward(self, x):
        return self.fc(self.function(self, self.one(x)).mean((2, 3)))


def three(join):
    """Of three branches, with a ReLU above them."""

    def function(net, a):
        b = net.two(F.relu(a))
        return F.relu(join(a, b, net.three(F.relu(b))))

    return function


def of_numbers(bend):
    return lambda net, a: bend(net.two(F.relu(a)))


def weight(net):
    return net.fc.weight


PAIRS = {
    "brackets": (three(lambda a, b, c: (a + b) + c), three(lambda a, b, c: a + (b + c))),
    "a stack": (three(lambda a, b, c: (a + b) + c), three(lambda a, b, c: torch.stack([a, b, c]).sum(0))),
    "a list": (three(lambda a, b, c: (a + b) + c), three(lambda a, b, c: sum([c, a, b]))),
    "factors": (three(lambda a, b, c: a + 0.5 * (b - c)), three(lambda a, b, c: a + b / 2 - c / 2)),
    "twice the same": (three(lambda a, b, c: a + b + a), three(lambda a, b, c: 2 * a + b)),
    "a mean of three": (
        three(lambda a, b, c: (a + b + c) * 0.25),
        three(lambda a, b, c: torch.stack([a, b, c, torch.zeros_like(a)]).mean(0)),
    ),
    "addcmul": (three(lambda a, b, c: a + b * c), three(lambda a, b, c: torch.addcmul(a, b, c))),
    "lerp": (three(lambda a, b, c: a + 0.3 * (b - a)), three(lambda a, b, c: torch.lerp(a, b, 0.3))),
    "rsub": (three(lambda a, b, c: a - b), three(lambda a, b, c: torch.rsub(b, a))),
    "values of a maximum": (
        three(lambda a, b, c: a.max(1, keepdim=True)[0] + b),
        three(lambda a, b, c: a.max(1, keepdim=True).values + b),
    ),
    "amax": (
        three(lambda a, b, c: a.max(1, keepdim=True)[0] + b),
        three(lambda a, b, c: a.amax(1, keepdim=True) + b),
    ),
    "mean of means": (
        of_numbers(lambda z: z.mean((2, 3), keepdim=True)),
        of_numbers(lambda z: z.mean(3, True).mean(2, True)),
    ),
    "matrix from the left": (
        lambda net, a: F.conv2d(F.relu(a), weight(net)[..., None, None]),
        lambda net, a: (weight(net) @ F.relu(a).flatten(2)).unflatten(2, (8, 8)),
    ),
    "einsum": (
        lambda net, a: F.conv2d(F.relu(a), weight(net)[..., None, None]),
        lambda net, a: torch.einsum("bchw,oc->bohw", F.relu(a), weight(net)),
    ),
    "tensordot": (
        lambda net, a: F.conv2d(F.relu(a), weight(net)[..., None, None]),
        lambda net, a: torch.tensordot(F.relu(a), weight(net), ([1], [1])).movedim(-1, 1),
    ),
    "channels last": (
        lambda net, a: F.conv2d(F.relu(a), weight(net)[..., None, None]),
        lambda net, a: (F.relu(a).movedim(1, -1) @ weight(net).T).movedim(-1, 1),
    ),
    "a slope a channel, where": (
        of_numbers(lambda z: F.prelu(z, SLOPES)),
        of_numbers(lambda z: torch.where(z > 0, z, z * SLOPES[:, None, None])),
    ),
    "a slope a channel, two ReLUs": (
        of_numbers(lambda z: F.prelu(z, SLOPES)),
        of_numbers(lambda z: F.relu(z) - SLOPES[:, None, None] * F.relu(-z)),
    ),
    "a leaky ReLU": (
        of_numbers(lambda z: F.leaky_relu(z, 0.1)),
        of_numbers(lambda z: torch.max(z, 0.1 * z)),
    ),
    "a ceiling": (of_numbers(F.relu6), of_numbers(lambda z: F.relu(z).clamp_max(6))),
    "a ceiling as a minimum": (
        of_numbers(lambda z: F.hardtanh(z, 0.0, 0.3)),
        of_numbers(lambda z: torch.minimum(F.relu(z), torch.tensor(0.3, dtype=z.dtype))),
    ),
    "a ReLU from above": (
        of_numbers(lambda z: -F.relu(-z)),
        of_numbers(lambda z: z.clamp(max=0)),
    ),
    "a moved ReLU": (
        of_numbers(lambda z: F.relu(z - 0.1) + 0.1),
        of_numbers(lambda z: z.clamp(min=0.1)),
    ),
    "factor inside": (of_numbers(lambda z: 2 * F.relu(z)), of_numbers(lambda z: F.relu(2 * z))),
    "a gate": (
        of_numbers(lambda z: (z[:, :2] * z[:, 2:].sigmoid()).repeat(1, 2, 1, 1)),
        of_numbers(lambda z: F.glu(z, 1).repeat(1, 2, 1, 1)),
    ),
    "a convolution in groups": (
        lambda net, a: F.conv2d(F.relu(a), net.two.weight[:, :2], net.two.bias, padding=1, groups=2),
        lambda net, a: torch.cat(
            [
                F.conv2d(x, w, b, padding=1)
                for x, w, b in zip(
                    F.relu(a).chunk(2, 1), net.two.weight[:, :2].chunk(2), net.two.bias.chunk(2), strict=True
                )
            ],
            1,
        ),
    ),
    "an average by interpolation": (
        of_numbers(lambda z: F.avg_pool2d(z, 2)),
        of_numbers(lambda z: F.interpolate(z, scale_factor=0.5, mode="area")),
    ),
}

UNLIKE = {
    "factor inside": {"lrp_epsilon(epsilon=0.1, relative=false)"},
    "a convolution in groups": {"lrp_epsilon", "fullgrad"},
}
"""Rules that say of these what depends on the scale of a tensor, or on which numbers it holds."""


@pytest.mark.parametrize("name", PAIRS)
def test_two_compositions_have_one_map(name):
    one, other = (Composed(function) for function in PAIRS[name])
    x = pictures()
    assert torch.allclose(one(x), other(x), rtol=1e-12, atol=1e-12)
    rules = [rule for rule in FEW if rule not in UNLIKE.get(name, ())]
    assert differences(answers(one, x, TARGET, rules), answers(other, x, TARGET, rules)) == {}


def test_a_sum_of_three_shares_by_what_each_gives():
    """z⁺ at a sum: to each its positive part over that of all."""
    x = pictures() * 2 - 1

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Conv2d(2, 6, 1)

        def forward(self, x):
            a, b, c = self.body(x).split(2, 1)
            return (a + (b - 2 * c)).flatten(1)[:, :4]

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Branches().double().eval()
    canonical = canonicalise(network, (2, 8, 8))
    (joined,) = [site for site in canonical.sites if site.operation is Operation.SUM]
    assert joined.module.weights == (1.0, 1.0, -2.0)
    layer = next(cut for cut in canonical.cuts if canonical.cut(cut).shape == (6, 8, 8))
    found = build("lrp_alpha1_beta0").attribute(canonical, x, TARGET, [layer])[layer]
    a, b, c = network.body(x).detach().split(2, 1)
    parts = [part.clamp(min=0) for part in (a, b, -2 * c)]
    logits = network(x).detach()
    relevance = torch.zeros(2, 2, 64, dtype=torch.float64)
    for row, target in enumerate(TARGET):
        relevance[row, 0, target] = logits[row, target]
    whole = sum(parts).flatten(2)
    expected = [torch.where(whole > 0, part.flatten(2) / whole, 0) * relevance for part in parts]
    assert torch.allclose(found.flatten(2), torch.cat(expected, 1), rtol=1e-6, atol=1e-9)
