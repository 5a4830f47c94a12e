"""Randomised networks: which stages there are, what each loses, and what stays to the bit."""

import itertools

import pytest
import torch
import torchvision
from torch import nn

from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise
from peephole.attributions.randomised import plan, randomised, stages
from peephole.errors import PeepholeError
from peephole.models import named


def perturbed(network):
    """All tensors away from what initialisation gives, as after training."""
    generator = torch.Generator().manual_seed(5)
    for name, tensor in itertools.chain(network.named_parameters(), network.named_buffers()):
        if tensor.is_floating_point():
            noise = torch.rand(tensor.shape, generator=generator)
            tensor.data.copy_(noise + 0.5 if "var" in name else tensor + noise / 10 + 0.01)
    return network


@pytest.fixture(scope="module")
def resnet8():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = perturbed(named.build("resnet8", 10, 32))
    return Classifier(Normalise((0.5,) * 3, (0.25,) * 3), network).eval()


STAGES = ("stem", "layer1.0", "layer2.0", "layer3.0", "fc")


def changed(before, after):
    """The names of the tensors that differ."""
    states = before.state_dict(), after.state_dict()
    assert list(states[0]) == list(states[1])
    return {name for name in states[0] if not states[0][name].equal(states[1][name])}


def test_stages_are_the_layers_that_people_count(resnet8, residual):
    assert stages(resnet8) == STAGES
    assert stages(residual) == ("relu", "blocks.0", "blocks.1", "fc")
    small = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    assert stages(nn.Sequential(*small, nn.Linear(36, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 2)), (3, 8, 8)) == (
        "2",
        "5",
        "8",
    )


def test_stages_of_torchvisions_networks():
    blocks = tuple(f"layer{number}.{block}" for number in range(1, 5) for block in range(2))
    assert stages(torchvision.models.resnet18(weights=None, num_classes=3)) == ("relu", *blocks, "fc")
    body = torchvision.models.vgg.make_layers([8, "M", 8, 8, "M"])
    vgg = torchvision.models.VGG(body, num_classes=3, init_weights=False)  # a small one, and small linear layers
    vgg.classifier = nn.Sequential(nn.Linear(392, 8), nn.ReLU(True), nn.Dropout(), nn.Linear(8, 3))
    assert stages(vgg, (3, 32, 32)) == ("features.1", "features.4", "features.6", "classifier.0", "classifier.3")


@pytest.mark.parametrize("which", [{"stem"}, {"layer2.0"}, {"fc"}, {"layer3.0", "fc"}, set(STAGES), set()])
def test_only_what_is_named_is_lost(resnet8, which):
    before = {name: tensor.clone() for name, tensor in resnet8.state_dict().items()}
    copied = randomised(resnet8, which, 0)
    expected = {
        name
        for name, tensor in before.items()
        if any(name.startswith(f"network.{stage}.") for stage in which) and tensor.is_floating_point()
    }
    assert changed(resnet8, copied) == expected
    assert all(before[name].equal(tensor) for name, tensor in resnet8.state_dict().items()), "the trained one stays"
    assert not any(module.training for module in copied.modules())
    assert not any(parameter.requires_grad for parameter in copied.parameters())


def test_what_is_lost_is_as_before_training(resnet8):
    state = randomised(resnet8, STAGES, 0).state_dict()
    for name, tensor in state.items():
        if name.endswith(("bn.weight", "bn1.weight", "bn2.weight", "running_var", "downsample.1.weight")):
            assert (tensor == 1).all(), name
        elif name.endswith(("bias", "running_mean")):
            assert (tensor == 0).all(), name
        elif tensor.dim() > 1 and "normalise" not in name:
            wanted = (2 / tensor[0].numel()) ** 0.5
            error = wanted / (2 * tensor.numel()) ** 0.5
            assert abs(tensor.std().item() - wanted) < 5 * error, name
            assert abs(tensor.mean().item()) < 5 * wanted / tensor.numel() ** 0.5, name


def test_signals_live_whichever_stages_are_lost(resnet8):
    x = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    for which in dict.fromkeys(itertools.chain.from_iterable(plan(STAGES).values())):
        network = canonicalise(randomised(resnet8, which, 0), (3, 32, 32))
        kept = network.run(x, keep=[*network.layers, network.cuts[-1]])[1]
        assert all(tensor.isfinite().all() for tensor in kept.values())
        assert (kept["layer3.0"].amax(dim=(0, 2, 3)) > 0).float().mean() > 0.75, which
        assert kept[network.cuts[-1]].std(dim=0).mean() > 1e-3, which


def test_a_draw_depends_on_the_seed_and_the_stage_alone(resnet8):
    orders = plan(STAGES)
    everything = randomised(resnet8, orders["top_down"][-1], 3).state_dict()
    again = randomised(resnet8, list(reversed(STAGES)), 3).state_dict()
    assert all(everything[name].equal(again[name]) for name in everything)
    for stage in STAGES:
        alone = randomised(resnet8, {stage}, 3).state_dict()
        lost = [name for name in alone if name.startswith(f"network.{stage}.")]
        assert lost
        assert all(alone[name].equal(everything[name]) for name in lost)
    other = randomised(resnet8, STAGES, 4).state_dict()
    weights = [name for name in other if other[name].dim() > 1 and "normalise" not in name]
    assert weights
    assert not any(other[name].equal(everything[name]) for name in weights)


def test_weights_of_one_shape_are_drawn_apart(resnet8):
    state = randomised(resnet8, STAGES, 0).state_dict()
    first, second = (state[f"network.layer{number}.0.conv2.weight"].flatten() for number in (1, 2))
    assert abs(torch.corrcoef(torch.stack([first, second[: len(first)]]))[0, 1]) < 0.1


def test_torchs_own_random_state_is_left_alone(resnet8):
    before = torch.get_rng_state()
    randomised(resnet8, {"fc"}, 0)
    assert torch.get_rng_state().equal(before)


def test_the_plan_shares_networks_and_leaves_the_trained_one_out():
    orders = plan(STAGES)
    assert list(orders) == ["top_down", "bottom_up", "independent"]
    assert orders["top_down"] == tuple(frozenset(STAGES[first:]) for first in (4, 3, 2, 1, 0))
    assert orders["bottom_up"] == tuple(frozenset(STAGES[:end]) for end in (1, 2, 3, 4, 5))
    assert orders["independent"] == tuple(frozenset((stage,)) for stage in STAGES)
    distinct = {which for order in orders.values() for which in order}
    assert len(distinct) == 12
    assert frozenset() not in distinct


class Scaled(nn.Module):
    """A module that is used twice, a parameter that is no module's, statistics without parameters, an unused layer."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3, affine=False)
        self.scale = nn.Parameter(torch.arange(1.0, 7.0))
        self.unused = nn.Linear(2, 2)
        self.top = nn.Linear(6, 2)

    def forward(self, x):
        x = self.norm(self.first(torch.relu(self.first(x)))).mean(dim=(2, 3))
        return self.top(torch.cat([x, x], dim=1) * self.scale)


def test_shared_modules_bare_parameters_and_statistics():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = perturbed(Scaled()).eval()
    names = stages(network, (3, 8, 8))
    lost = {stage: changed(network, randomised(network, {stage}, 0, (3, 8, 8))) for stage in names}
    assert names == ("relu", "norm", "mul", "top")
    assert lost["relu"] == {"first.weight", "first.bias"}
    assert set.union(*lost.values()) == {
        *("first.weight", "first.bias", "norm.running_mean", "norm.running_var", "scale", "top.weight", "top.bias")
    }
    assert sum(map(len, lost.values())) == 7
    assert lost["mul"] == {"scale"}
    shuffled = randomised(network, {"mul"}, 0, (3, 8, 8)).scale
    assert shuffled.sort().values.equal(network.scale.detach().sort().values)


def test_an_unknown_stage_is_refused(resnet8):
    with pytest.raises(PeepholeError, match=r"no stage 'head' to randomise; there are: stem, layer1\.0") as caught:
        randomised(resnet8, {"fc", "head"}, 0)
    assert "\n" not in str(caught.value)


def test_a_network_without_weights_is_refused():
    with pytest.raises(PeepholeError, match="has no weights to randomise"):
        stages(nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
