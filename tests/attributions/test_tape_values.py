"""Networks whose call sites return sizes, tuples and detached tensors, or read a value more than once."""

import pytest
import torch
from torch import nn

from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.refusal import NotDefined
from peephole.attributions.tape import Tape
from peephole.attributions.way import Way
from peephole.errors import PeepholeError

TARGET = torch.tensor([0, 1])


class Chunks(nn.Module):
    """Halves of the channels go different ways, as in GhostNet and ShuffleNet."""

    def __init__(self):
        super().__init__()
        self.conv, self.part, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(2, 2, 1, bias=False), nn.Linear(4, 3)

    def forward(self, x):
        one, two = torch.chunk(self.conv(x), 2, 1)
        return self.fc(torch.cat([self.part(one).relu(), two], 1).relu().mean((2, 3)))


class Splits(Chunks):
    def forward(self, x):
        parts = self.conv(x).relu().split([2, 2], dim=1)
        return self.fc(torch.cat([self.part(parts[0]).relu() + parts[1], parts[0]], 1).mean((2, 3)))


class Sizes(Chunks):
    """Channel shuffling: shapes that are known when the network runs."""

    def forward(self, x):
        x = self.conv(x).relu()
        batch, channels, height, width = x.size()
        x = x.view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(batch, channels, height, width)
        return self.fc(x.flatten(2).mean(2).view(x.size(0), -1))


class Twice(Chunks):
    """One value read by four sites, by one of them twice."""

    def forward(self, x):
        x = self.conv(x)
        return self.fc((x + x + x.relu() * x.sigmoid()).mean((2, 3)))


class Indices(Chunks):
    """A max-pool that returns places, which carry no gradient, and one thrown away."""

    def forward(self, x):
        values, places = nn.functional.max_pool2d(self.conv(x), 2, return_indices=True)
        return self.fc(nn.functional.max_unpool2d(values, places, 2).mean((2, 3)))


@pytest.mark.parametrize("kind", [Chunks, Splits, Sizes, Twice, Indices])
def test_values_that_are_no_tensors(kind):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = kind().double()
        x = torch.rand(2, 3, 4, 4, dtype=torch.float64)
    canonical = canonicalise(network, (3, 4, 4))
    start = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(network(start).gather(1, TARGET[:, None]).sum(), start)
    tape = Tape(canonical, x, "input")
    assert torch.allclose(Way.of({}).go(tape, TARGET, ("input",))["input"], expected, rtol=1e-12, atol=1e-15)
    methods = ["guided_backprop", "rectgrad(50)", "lrp_epsilon", "lrp_alpha_beta", "deeplift", "activation"]
    if kind is Twice:  # x + x + relu(x) sigmoid(x) is a function of one number, and no ReLU
        for method in ("guided_backprop", "rectgrad", "activation"):
            with pytest.raises(NotDefined, match="an activation that is no ReLU, 'add_1'"):
                build(method).attribute(canonical, x, TARGET, ["input"])
        any_ = ("guided_backprop", "rectgrad", "activation")
        methods = [f"{method}(activation='any')" for method in any_] + ["lrp_epsilon", "lrp_alpha_beta", "deeplift"]
    for method in methods:
        found = build(method).attribute(canonical, x, TARGET, ["input"])["input"]
        assert found.isfinite().all()
        assert found.any()


@pytest.mark.parametrize("kind", [Chunks, Splits, Sizes])
@pytest.mark.parametrize("method", ["lrp_alpha1_beta0", "lrp_alpha_beta", "excitation_backprop"])
def test_relevance_is_handed_through_parts_and_views(kind, method):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = kind().double()
        x = torch.rand(2, 3, 4, 4, dtype=torch.float64)
    canonical = canonicalise(network, (3, 4, 4))
    logit = torch.ones(2) if method.startswith("excitation") else network(x).gather(1, TARGET[:, None])[:, 0]
    for values in build(method).attribute(canonical, x, TARGET, canonical.layers).values():
        assert torch.allclose(values.sum((1, 2, 3)), logit.double(), rtol=1e-6)


class Bent(nn.Module):
    def __init__(self, bend):
        super().__init__()
        self.conv, self.bend = nn.Conv2d(3, 3, 1), bend
        nn.init.uniform_(self.conv.weight, 0.1, 1.0, generator=torch.Generator().manual_seed(0))

    def forward(self, x):
        return self.bend(self.conv(x).sigmoid()).mean((2, 3))


def half_deaf(x):
    return x.detach() + x.mean((1, 2, 3), keepdim=True)


RULES = (
    *("gradient", "guided_backprop(activation='any')", "deeplift", "lrp_z", "smoothgrad", "grad_cam", "fullgrad"),
    *("lrp_alpha1_beta0", "integrated_gradients"),
)


@pytest.mark.parametrize("method", RULES)
def test_a_layer_that_the_logits_hear_in_part(method):
    canonical = canonicalise(Bent(half_deaf), (3, 4, 4))
    x = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    found = build(method).attribute(canonical, x, TARGET, ["input", "sigmoid"])
    for layer, values in found.items():
        assert values.shape[2:] == canonical.shapes[layer][1:]
        assert values.any()


def rounded(x):
    return (x > 0.5).float()


def deaf(x):
    return x.detach()


@pytest.mark.parametrize(("bend", "where"), [(deaf, "detach"), (rounded, "gt")])
def test_a_network_whose_picture_no_gradient_reaches_is_refused(bend, where):
    """All of its maps would be zero."""
    with pytest.raises(PeepholeError, match=f"no gradient goes from the logits of Bent to its picture: .*'{where}'"):
        canonicalise(Bent(bend), (3, 4, 4))
