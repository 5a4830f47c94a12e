"""Normalisation wherever it stands: by fixed statistics a linear map, by its own another, by the batch refused."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.folding import fold_batch_norm
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.operations import Operation
from peephole.attributions.refusal import NotDefined
from peephole.errors import PeepholeError

from .rules import TARGET, answers, differences, lost_by_z_plus, pictures


def random(network):
    """Weights and statistics from a seed, in float64."""
    generator = torch.Generator().manual_seed(4)
    network = network.double().eval()
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64) * 0.6
            tensor.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else drawn)
    return network


class Dense(nn.Module):
    """Normalisation, ReLU, convolution, and what came in beside what came out, as DenseNet has it."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(4 + 2 * index) for index in range(2))
        self.convs = nn.ModuleList(nn.Conv2d(4 + 2 * index, 2, 3, padding=1, bias=False) for index in range(2))
        self.last, self.fc = nn.BatchNorm2d(8), nn.Linear(8, 4)

    def forward(self, x):
        x = self.stem(x)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            x = torch.cat([x, conv(F.relu(norm(x)))], 1)
        return self.fc(F.relu(self.last(x)).mean((2, 3)))


class After(nn.Module):
    """Convolution, ReLU, then normalisation."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.norm, self.other, self.fc = nn.BatchNorm2d(4), nn.BatchNorm2d(4), nn.Linear(4, 4)

    def forward(self, x):
        return self.fc(self.other(F.relu(self.two(self.norm(F.relu(self.one(x)))))).mean((2, 3)))


class Folded(nn.Module):
    """Linear layer and transposed convolutions with normalisation behind them."""

    def __init__(self, groups=1):
        super().__init__()
        self.up = nn.ConvTranspose2d(2, 4, 2, 2, groups=groups, bias=groups == 1)
        self.norm, self.hidden = nn.BatchNorm2d(4), nn.Linear(4, 6)
        self.one, self.fc = nn.BatchNorm1d(6), nn.Linear(6, 4)

    def forward(self, x):
        return self.fc(F.relu(self.one(self.hidden(F.relu(self.norm(self.up(x))).mean((2, 3))))))


NETWORKS = {"dense": Dense, "after": After, "folded": Folded, "groups": lambda: Folded(2)}


@pytest.fixture(params=NETWORKS)
def network(request):
    return random(NETWORKS[request.param]())


def test_the_z_rule_is_input_times_gradient(network):
    canonical = canonicalise(network, (2, 8, 8))
    z, product = (
        build(rule).attribute(canonical, pictures(), TARGET, canonical.layers) for rule in ("lrp_z", "input_x_gradient")
    )
    for layer, values in z.items():
        assert float((values - product[layer]).abs().max() / product[layer].abs().max()) < 1e-5, layer


@torch.no_grad()
def test_signed_shares_lose_only_what_dead_outputs_hold(network):
    canonical = canonicalise(network, (2, 8, 8))
    x = pictures()
    maps = build("lrp_alpha1_beta0").attribute(canonical, x, TARGET, canonical.layers)
    whole = network(x).gather(1, TARGET[:, None])[:, 0]
    counted = lost_by_z_plus(canonical, x, TARGET)
    for layer, values in maps.items():
        scale = values.abs().sum((1, 2, 3)) + whole.abs()
        off = (values.sum((1, 2, 3)) + counted[layer] - whole).abs() / scale
        assert float(off.max()) < 1e-5, layer
        assert float(((maps.lost[layer] - counted[layer]).abs() / scale).max()) < 1e-5, layer


def test_the_folded_graph_computes_the_same(network):
    canonical = canonicalise(network, (2, 8, 8))
    folded = fold_batch_norm(canonical)
    x = pictures()
    assert torch.allclose(folded(x), canonical(x), rtol=1e-10, atol=1e-12)
    if isinstance(network, Folded):
        assert not any(site.operation is Operation.SCALE for site in folded.sites)


def test_normalisation_by_channel_groups_of_one_is_one_function():
    def made(norm):
        body = (nn.Conv2d(2, 4, 3, padding=1), norm, nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU())
        return random(nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4)))

    group, instance = made(nn.GroupNorm(4, 4)), made(nn.InstanceNorm2d(4, affine=True))
    written = made(nn.GroupNorm(4, 4))
    weights = written[1].weight, written[1].bias

    class Own(nn.Module):
        def forward(self, x):
            centred = x - x.mean((2, 3), keepdim=True)
            scaled = centred / (centred.pow(2).mean((2, 3), keepdim=True) + 1e-5).sqrt()
            return scaled * weights[0][:, None, None] + weights[1][:, None, None]

    written[1] = Own()
    x = pictures()
    assert torch.allclose(group(x), instance(x), rtol=1e-10)
    assert torch.allclose(group(x), written(x), rtol=1e-10)
    expected = answers(group, x, TARGET)
    assert expected["lrp_alpha1_beta0"] == "a normalisation by its own statistics"
    assert differences(expected, answers(instance, x, TARGET)) == {}
    assert differences(expected, answers(written, x, TARGET), tolerance=1e-6) == {}


def test_instance_normalisation_with_running_statistics_is_a_scale():
    body = (nn.Conv2d(2, 4, 3, padding=1), nn.InstanceNorm2d(4, track_running_stats=True), nn.ReLU())
    network = random(nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4)))
    other = nn.BatchNorm2d(4, affine=False).double()
    other.load_state_dict(network[1].state_dict())
    twin = nn.Sequential(network[0], other.eval(), *network[2:])
    assert differences(answers(network, pictures(), TARGET), answers(twin, pictures(), TARGET)) == {}


@pytest.mark.parametrize("kind", ["module", "functional", "written"])
def test_statistics_of_the_batch_are_refused_by_name(kind):
    class Batch(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(2, 4, 3), nn.Linear(4, 4)
            self.norm = nn.BatchNorm2d(4, track_running_stats=False)

        def forward(self, x):
            x = self.conv(x)
            if kind == "module":
                x = self.norm(x)
            elif kind == "functional":
                x = F.batch_norm(x, None, None, training=True)
            else:
                x = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), keepdim=True) + 1e-5).sqrt()
            return self.fc(F.relu(x).mean((2, 3)))

    where = {"module": "'norm'", "functional": "'batch_norm'", "written": "'mean'|'sub'|'truediv'"}[kind]
    with pytest.raises(PeepholeError, match=f"decides on a picture by the others of its batch: see .*({where})"):
        canonicalise(random(Batch()), (2, 8, 8))


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x - x.mean(),
        lambda x: x - x.mean().item(),
        lambda x: x / x.max(),
        lambda x: x / x.amax(),
        lambda x: x - x.amin((0, 2, 3), keepdim=True),
        lambda x: x + x.flip(0),
        lambda x: x * x.std(0, correction=0, keepdim=True),
        lambda x: x + x[:1],
        lambda x: x.sort(0).values,
    ],
)
def test_pictures_that_are_mixed_are_refused(mix):
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(2, 4, 3), nn.Linear(4, 4)

        def forward(self, x):
            return self.fc(F.relu(self.conv(mix(x))).mean((2, 3)))

    with pytest.raises(
        PeepholeError, match=r"decides on a picture by the others of its batch|takes 2 pictures at once"
    ):
        canonicalise(random(Mixed()), (2, 8, 8))


@pytest.mark.parametrize("last", [1.0, 1e-2, 1e-6])
def test_statistics_of_the_batch_are_refused_however_small_the_logits(last):
    body = (nn.Conv2d(2, 8, 3), nn.BatchNorm2d(8, track_running_stats=False), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU())
    network = random(nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)))
    network[-1].weight.data *= last
    network[-1].bias.data *= last
    with pytest.raises(PeepholeError, match=r"see a normalisation by its own statistics, '1' \(BatchNorm2d\)"):
        canonicalise(network, (2, 8, 8))


@pytest.mark.parametrize(
    "rule", ["lrp_z", "lrp_alpha_beta", "lrp_alpha1_beta0", "dtd", "excitation_backprop", "deeplift"]
)
@pytest.mark.parametrize("scale", [1e-6, 1e-9, 1e6])
def test_a_factor_here_and_its_inverse_there_change_no_map(rule, scale):
    """The first layer times a number, the last divided by it: the same function of one number less or more."""

    def made(factor):
        body = (nn.Conv2d(2, 6, 3, bias=False), nn.ReLU(), nn.Conv2d(6, 6, 3, bias=False), nn.ReLU())
        network = random(nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4, bias=False)))
        network[0].weight.data *= factor
        network[-1].weight.data /= factor
        return network

    text = "deeplift(epsilon=1e-20)" if rule == "deeplift" else rule
    one, other = (answers(made(factor), pictures(), TARGET, [text]) for factor in (1, scale))
    assert one[text].any()
    assert differences(one, other) == {}


def test_a_scale_before_a_relu_hands_on_all_of_its_relevance():
    """``relu(s x + t)``: by z⁺ the single contribution takes all, whatever its sign."""

    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.fc = nn.BatchNorm2d(2), nn.Linear(2, 4, bias=False)

        def forward(self, x):
            return self.fc(F.relu(self.norm(x)).mean((2, 3)))

    network = random(Scaled())
    nn.init.constant_(network.norm.weight, -0.5)
    nn.init.constant_(network.norm.bias, 2.0)
    network.fc.weight.data.abs_()
    x = pictures()
    canonical = canonicalise(network, (2, 8, 8))
    values = build("lrp_alpha1_beta0").attribute(canonical, x, TARGET, ["input"])["input"]
    hidden = F.relu(network.norm(x))
    expected = hidden * network.fc.weight[TARGET][:, :, None, None] / 64
    assert torch.allclose(values, expected, rtol=1e-6)


def test_layer_normalisation_is_refused_by_relevance_rules_and_the_option_is_none():
    network = random(nn.Sequential(nn.Flatten(), nn.LayerNorm(8), nn.Linear(8, 4)))
    canonical = canonicalise(network, (2, 2, 2))
    for rule in (
        "lrp_z",
        "lrp_epsilon",
        "lrp_alpha_beta",
        "lrp_alpha1_beta0",
        "dtd",
        "excitation_backprop",
        "deeplift",
    ):
        with pytest.raises(NotDefined, match=r"a normalisation by its own statistics, '1' \(LayerNorm\)"):
            build(rule).attribute(canonical, pictures((2, 2, 2)), TARGET, ["input"])
