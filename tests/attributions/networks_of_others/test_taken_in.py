"""What is taken in, unwrapped, or refused by name before anything is explained."""

import copy
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, prune

from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.randomised import randomised, stages
from peephole.errors import PeepholeError

from .rules import RULES, TARGET, answers, differences, pictures


class Tutorial(nn.Module):
    """The first network of PyTorch's own tutorial, with its ``view``."""

    def __init__(self):
        super().__init__()
        self.conv1, self.pool, self.conv2 = nn.Conv2d(3, 6, 5), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(16 * 5 * 5, 20), nn.Linear(20, 12), nn.Linear(12, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 5 * 5)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class Flattened(Tutorial):
    def forward(self, x):
        x = self.pool(F.relu(self.conv2(self.pool(F.relu(self.conv1(x))))))
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(torch.flatten(x, 1))))))


def seeded(kind):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind().double().eval()


def test_a_view_that_counts_on_memory():
    x = pictures((3, 32, 32))
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        seeded(Tutorial)(x.contiguous(memory_format=torch.channels_last))
    rules = [rule for rule in RULES if not rule.startswith(("cameras", "score_cam"))]
    one, other = (answers(seeded(kind), x, TARGET, rules) for kind in (Tutorial, Flattened))
    assert differences(one, other) == {}
    assert not any(isinstance(values, str) for values in one.values())


def small():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        body = (nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU())
        return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4)).double().eval()


def normed(kind):
    def change(network):
        for index in (0, 3, 7):
            network[index] = kind(network[index])
        return network

    return change


def pruned(module):
    prune.random_unstructured(module, "weight", 0.4)
    return module


def old(function):
    def change(module):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(module)

    return change


WEIGHTS = {
    "weight norm": normed(parametrizations.weight_norm),
    "old weight norm": normed(old(torch.nn.utils.weight_norm)),
    "spectral norm": normed(parametrizations.spectral_norm),
    "old spectral norm": normed(old(torch.nn.utils.spectral_norm)),
    "pruned": normed(pruned),
    "orthogonal": normed(parametrizations.orthogonal),
}


def plain(network):
    """The same function with plain weights."""
    made = small()
    for index, module in enumerate(network):
        if isinstance(module, nn.Conv2d | nn.Linear):
            made[index].weight.data = module.weight.detach().clone()
            made[index].bias.data = module.bias.detach().clone()
    return made


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_are_computed(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = WEIGHTS[name](small()).eval()
    x = pictures()
    expected = network(x).detach()  # once, so that hooks have computed their weights: deepcopy trips over those
    before = {key: value.clone() for key, value in network.state_dict().items()}
    assert torch.allclose(canonicalise(network, (2, 8, 8))(x), expected, rtol=1e-10)
    assert differences(answers(plain(network), x, TARGET), answers(network, x, TARGET)) == {}
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    names = stages(network, (2, 8, 8))
    assert names == stages(small(), (2, 8, 8))
    shuffled = randomised(network, names[-1:], 0, (2, 8, 8))
    assert not torch.allclose(shuffled(x), expected)


def test_what_is_wrapped_is_unwrapped():
    network, x = small(), pictures()
    expected = answers(network, x, TARGET)
    inner = nn.Sequential(torch.compile(nn.Sequential(*copy.deepcopy(network)[:5])), *copy.deepcopy(network)[5:])
    for wrapped in (nn.DataParallel(network), torch.compile(network), nn.DataParallel(torch.compile(network)), inner):
        assert differences(expected, answers(wrapped, x, TARGET)) == {}
    network.compile()
    assert differences(expected, answers(network, x, TARGET)) == {}


def headed(*head):
    return nn.Sequential(*small(), *head)


class Two(nn.Module):
    def __init__(self, answer):
        super().__init__()
        self.network, self.answer = small(), answer

    def forward(self, x):
        return self.answer(self.network(x))


class Before(nn.Module):
    """A function of the picture, and the network."""

    def __init__(self, function):
        super().__init__()
        self.network, self.function = small(), function

    def forward(self, x):
        return self.network(self.function(x))


def without_gradient(x):
    with torch.no_grad():
        half = x.clamp(min=0.4)
    return x + half


class Tripled(torch.autograd.Function):
    """The identity, with a gradient three times as large."""

    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, gradient):
        return 3 * gradient


def changed(x):
    x = x * 1
    x[:, 0] = 0
    return x


REFUSED = {
    "softmax": (lambda: headed(nn.Softmax(1)), r"returns probabilities \(the last operation is '8'\); expected logits"),
    "log softmax": (lambda: headed(nn.LogSoftmax(1)), "returns logarithms of probabilities .*expected logits"),
    "softmax written": (lambda: Two(lambda x: x.exp() / x.exp().sum(1, keepdim=True)), "returns probabilities"),
    "softmax twice as large": (lambda: Two(lambda x: 2 * x.softmax(1)), "returns probabilities"),
    "softmax of a few": (lambda: Two(lambda x: F.softmax(x * 1e-3, -1)), "returns probabilities"),
    "sigmoid": (lambda: headed(nn.Sigmoid()), "ends in a sigmoid"),
    "sigmoid written": (lambda: Two(lambda x: 1 / (1 + torch.exp(-x))), "ends in a sigmoid"),
    "sigmoid in place": (lambda: Two(lambda x: x.sigmoid_()), "ends in a sigmoid"),
    "expit": (lambda: Two(torch.special.expit), "ends in a sigmoid"),
    "sigmoid in bounds": (lambda: Two(lambda x: x.sigmoid().clamp(1e-6, 1 - 1e-6)), "ends in a sigmoid"),
    "hard sigmoid": (lambda: headed(nn.Hardsigmoid()), "ends in a sigmoid"),
    "log sigmoid": (lambda: headed(nn.LogSigmoid()), "ends in a sigmoid"),
    "random numbers": (lambda: Two(lambda x: x + 1e-3 * torch.rand_like(x)), "draws no random numbers in eval mode"),
    "rounded": (
        lambda: Before(lambda x: torch.round(x * 255) / 255),
        r"no gradient goes from the logits of Before to its picture: .*round.* lets none through",
    ),
    "without gradient": (lambda: Before(without_gradient), "part of its code runs without gradient"),
    "a gradient of its own": (lambda: Before(Tripled.apply), "a gradient of its own"),
    "a tensor changed in part": (lambda: Before(changed), r"new tensors; rewrite that line"),
    "a number of pictures": (
        lambda: Before(lambda x: x.reshape(2, 2, 8, 8)),
        "takes 2 pictures at once and not 3 .*a number of pictures stands in its code",
    ),
    "a constant for two": (
        lambda: Before(lambda x: x + torch.ones(2, 2, 8, 8)),
        "takes 2 pictures at once and not 3 .*a number of pictures stands in its code",
    ),
    "scripted": (lambda: torch.jit.trace(small(), pictures()), "is a scripted module"),
    "a scripted part": (
        lambda: nn.Sequential(torch.jit.trace(small(), pictures())),
        "the part '0' of Sequential is a scripted",
    ),
    "two heads": (lambda: Two(lambda x: (x, x)), "returns tuple for 2 pictures"),
    "a dictionary": (lambda: Two(lambda x: {"out": x}), "returns dict for 2 pictures"),
    "a function": (lambda: lambda x: x, "expected a torch.nn.Module"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_what_is_refused_says_why(name):
    made, message = REFUSED[name]
    with pytest.raises(PeepholeError, match=message) as caught:
        canonicalise(made(), (2, 8, 8))
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_network_is_refused():
    network = nn.Sequential(*(module.float() for module in small()))
    quantised = torch.ao.quantization.quantize_dynamic(network, {nn.Linear}, dtype=torch.qint8)
    with pytest.raises(PeepholeError, match=r"the part '7' of Sequential is quantised \(Linear\), and no gradient"):
        canonicalise(quantised, (2, 8, 8))


def test_a_network_whose_code_asks_for_values_is_refused_with_the_line():
    class Asking(nn.Module):
        def forward(self, x):
            return x.mean((2, 3)) if float(x.sum()) > 0 else -x.mean((2, 3))

    with pytest.raises(
        PeepholeError, match=r"needs the value of a tensor while it is traced.*float\(x.sum\(\)\)|float"
    ):
        canonicalise(Asking(), (2, 8, 8))


def test_a_graph_still_explains_where_nothing_is_refused():
    """The plain network passes every check that the others were refused by."""
    canonical = canonicalise(small(), (2, 8, 8))
    assert build("gradient").attribute(canonical, pictures(), TARGET, ["input"])["input"].any()
