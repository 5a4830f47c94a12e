"""Places where nothing is on, and modules where a rule's arithmetic has an edge."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.refusal import NotDefined

TARGET = torch.tensor([0, 1])


class Halved(nn.Module):
    """Without a bias in the first convolution, a black half of the picture is a dead half of its output."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.Conv2d(4, 4, 3, padding=1)
        self.fc = nn.Linear(4, 3)
        nn.init.constant_(self.conv2.bias, 0.1)

    def forward(self, x):
        return self.fc(F.relu(self.conv2(F.relu(self.conv1(x)))).mean((2, 3)))


def explain(method, network, x):
    canonical = canonicalise(network, tuple(x.shape[1:]))
    return build(method).attribute(canonical, x, TARGET[: len(x)], canonical.layers)


def seeded(kind, *arguments):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(*arguments), torch.rand(2, 3, 8, 8)


RELEVANCE = ("lrp_z", "lrp_epsilon", "lrp_alpha_beta", "lrp_alpha1_beta0", "dtd")


@pytest.mark.parametrize("rule", RELEVANCE)
def test_without_the_bottom_dead_places_do_not_outshine_the_rest(rule):
    """What would have no share goes nowhere: the coefficient there is of the size of the others."""
    network, x = seeded(Halved)
    x[..., 4:] = 0
    for layer, values in explain(f"{rule}(bottom=false)", network, x).items():
        size = values.abs()
        assert float(size.max()) <= 1000 * float(size[size > 0].median()), layer


@pytest.mark.parametrize("rule", [*RELEVANCE, "excitation_backprop"])
def test_a_dead_half_is_worth_nothing(rule):
    network, x = seeded(Halved)
    x[..., 4:] = 0
    found = explain(rule, network, x)
    assert all(values.isfinite().all() for values in found.values())
    assert not found["relu"][..., 6:].any()
    if rule != "dtd":
        assert not found["input"][..., 4:].any()


@pytest.mark.parametrize("relative", [True, False])
def test_the_epsilon_rule_without_epsilon_where_outputs_are_zero(relative):
    network, x = seeded(Halved)
    found = explain(f"lrp_epsilon(epsilon=0, relative={relative})", network, torch.zeros_like(x))
    assert all(values.isfinite().all() for values in found.values())


class Beside(nn.Module):
    """The picture itself meets what a convolution makes of it."""

    def __init__(self, join):
        super().__init__()
        self.conv, self.join = nn.Conv2d(3, 3, 3, padding=1, bias=False), join
        self.fc = nn.Linear(3 if join is torch.add else 6, 3, bias=False)

    def forward(self, x):
        y = self.conv(x)
        return self.fc(F.relu(x + y if self.join is torch.add else torch.cat([x, y], 1)).mean((2, 3)))


@pytest.mark.parametrize("join", [torch.add, torch.cat])
def test_deep_taylor_where_the_picture_is_also_added(join):
    """What does not go to the picture is no business of the zᴮ-rule: relevance stays as much as it was."""
    network, x = seeded(Beside, join)
    logit = network(x).gather(1, TARGET[:, None])[:, 0]
    for rule in ("lrp_alpha1_beta0", "dtd"):
        assert torch.allclose(explain(rule, network, x)["input"].sum((1, 2, 3)), logit, rtol=1e-3), rule


class Borrowed(nn.Module):
    """A view far up takes its sides from the picture."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.Linear(4, 3, bias=False)

    def forward(self, x):
        batch, _, height, width = x.shape
        return self.fc(F.relu(self.conv(x)).view(batch, 4, height * width).mean(2))


def test_deep_taylor_where_a_view_reads_the_pictures_size():
    network, x = seeded(Borrowed)
    logit = network(x).gather(1, TARGET[:, None])[:, 0]
    assert torch.allclose(explain("dtd", network, x)["input"].sum((1, 2, 3)), logit, rtol=1e-3)


def small(*between):
    return nn.Sequential(
        *(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), *between, nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
    )


@pytest.mark.parametrize("size", [8, 4, 2])
def test_rectgrads_padding_trick_where_all_places_are_outermost(size):
    """One place or four: no signal goes through, and the rest of the network is as it was."""
    network, x = seeded(small, nn.MaxPool2d(size))
    found = explain("rectgrad(padding=true)", network, x)
    assert all(values.isfinite().all() for values in found.values())
    assert bool(found["input"].any()) is (size == 2)


@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(2),
        nn.MaxPool2d(3, 2, padding=1),
        nn.MaxPool2d(3, 2, padding=1, ceil_mode=True),
        nn.MaxPool2d(3, 2, dilation=2),
        nn.MaxPool2d((1, 2)),
    ],
    ids=str,
)
@pytest.mark.parametrize("rule", ["rectgrad(0, proportional=true)", "deeplift", "lrp_alpha1_beta0", "gradient"])
def test_max_pools_of_all_kinds(pool, rule):
    network, x = seeded(small, pool)
    for layer, values in explain(rule, network, x).items():
        assert values.isfinite().all(), layer


class ChannelsLast(nn.Module):
    """Linear modules and layer normalisation over the last axis, as ConvNeXt has them."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.LayerNorm(4)
        self.one, self.two, self.fc = nn.Linear(4, 6), nn.Linear(6, 4), nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.conv(x))
        y = self.two(F.relu(self.one(self.norm(x.permute(0, 2, 3, 1))))).permute(0, 3, 1, 2)
        return self.fc((x + y).mean((2, 3)))


@pytest.mark.parametrize(
    "rule", ["fullgrad", "lrp_alpha1_beta0(bias=true)", "lrp_alpha_beta(bias=true)", "dtd", "deeplift", "rectgrad"]
)
def test_linear_modules_over_the_last_of_four_axes(rule):
    network, x = seeded(ChannelsLast)
    if rule != "rectgrad":
        with pytest.raises(NotDefined, match=r"a normalisation by its own statistics, 'norm' \(LayerNorm\)"):
            explain(rule, network, x)
        network.norm = nn.Identity()
    assert all(values.isfinite().all() for values in explain(rule, network, x).values())


@pytest.mark.parametrize("rule", ["smoothgrad", "input_x_smoothgrad"])
@pytest.mark.parametrize("side", [8, 9])
def test_noise_does_not_depend_on_how_many_pictures_there_are(rule, side):
    """Random numbers are drawn in blocks of sixteen: 3×9×9 is not a multiple of that."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network, x = small(), torch.rand(8, 3, side, side)
    canonical = canonicalise(network, (3, side, side))
    target = torch.zeros(8, dtype=torch.int64)
    whole, alone = (build(rule).attribute(canonical, x[:count], target[:count], canonical.layers) for count in (8, 1))
    for layer, values in alone.items():
        assert torch.allclose(values[0], whole[layer][0], rtol=1e-3, atol=1e-5), layer
