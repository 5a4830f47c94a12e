import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from peephole.attributions.graph import canonicalise
from peephole.attributions.layers import crossings
from peephole.attributions.site import Site


def every_path(sites):
    """All paths from value 0 to the last output, as lists of values."""
    paths = [[0]]
    finished = []
    while paths:
        path = paths.pop()
        if path[-1] == sites[-1].output:
            finished.append(path)
        paths += [[*path, site.output] for site in sites for value in site.inputs if value == path[-1]]
    return finished


@st.composite
def networks(draw):
    """Random graphs in which every value serves the last one."""
    size = draw(st.integers(1, 7))
    inputs = [draw(st.sets(st.integers(0, index), min_size=1, max_size=2)) for index in range(size)]
    unread = [value for value in range(size) if all(value not in read for read in inputs)]
    inputs.append(set(unread) | {size})
    return [Site(str(index), nn.Identity(), tuple(sorted(read)), index + 1) for index, read in enumerate(inputs)]


@given(networks())
def test_crossings_are_the_values_on_every_path(sites):
    paths = every_path(sites)
    expected = [site.output for site in sites if all(site.output in path for path in paths)]
    assert list(crossings(sites)) == expected


def layers(network, size=(3, 16, 16)):
    return canonicalise(network, size).layers


def head(channels=4):
    return (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 2))


def conv(inputs=4, stride=1, kernel=3):
    return nn.Conv2d(inputs, 4, kernel, stride, padding=kernel // 2)


def test_convolution_normalisation_and_activation_are_one_layer():
    body = (conv(3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout2d(), conv(), nn.GroupNorm(2, 4), nn.SiLU())
    assert layers(nn.Sequential(*body, *head())) == ("input", "3", "6")


def test_each_convolution_and_pool_starts_a_layer():
    body = (conv(3), conv(stride=2), nn.MaxPool2d(2), nn.AvgPool2d(2), nn.ReLU())
    assert layers(nn.Sequential(*body, *head())) == ("input", "0", "1", "2", "4")


def test_an_activation_of_the_picture_is_not_the_input():
    assert layers(nn.Sequential(nn.BatchNorm2d(3), conv(3), *head())) == ("input", "0", "1")


@pytest.mark.parametrize(
    "pool",
    [
        (nn.AdaptiveAvgPool2d(1),),
        (nn.AdaptiveMaxPool2d(1),),
        (nn.AvgPool2d(16),),
        (nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1), nn.ReLU()),
    ],
)
def test_the_head_is_no_layer(pool):
    assert layers(nn.Sequential(conv(3), *pool, nn.Flatten(), nn.Linear(4, 2))) == ("input", "0")


def test_a_fixed_size_pool_before_the_linear_layers_is_no_layer():
    network = nn.Sequential(conv(3), nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(196, 2))
    assert layers(network) == layers(network, (3, 7, 7)) == ("input", "0")


def test_a_pool_to_one_place_in_the_middle_of_the_body_is_a_layer():
    # A small picture: 2×2 places before the pool, one behind it, and still convolutions to come.
    network = nn.Sequential(conv(3, 8), nn.AvgPool2d(2), conv(), nn.ReLU(), *head())
    assert layers(network) == ("input", "0", "1", "3")


def test_a_margin_is_no_layer():
    class Padded(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return self.conv(F.pad(x, (1, 1, 1, 1)))

    network = nn.Sequential(Padded(), nn.ReLU(), nn.ZeroPad2d(1), nn.ReflectionPad2d(1), conv(), *head())
    assert layers(network) == ("input", "1", "4")


def test_a_max_pool_to_one_place_is_a_layer():
    assert layers(nn.Sequential(conv(3, 8), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4, 2))) == ("input", "0", "1")


class Shortcut(nn.Module):
    """``x`` goes round a convolution; a squeeze with a global pool stands inside the branch."""

    def __init__(self):
        super().__init__()
        self.conv = conv()
        self.gate = conv(kernel=1)

    def forward(self, x):
        out = F.relu(self.conv(x))
        out = out * torch.sigmoid(self.gate(F.adaptive_avg_pool2d(out, 1)))
        return F.relu(out + x)


def test_inside_of_a_residual_block_there_is_no_layer():
    assert layers(nn.Sequential(conv(3), Shortcut(), Shortcut(), *head())) == ("input", "0", "1", "2")


class PreActivation(nn.Module):
    """A block that normalises first, as a second version of residual networks does."""

    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(4)
        self.conv = conv()

    def forward(self, x):
        return x + self.conv(F.relu(self.bn(x)))


def test_blocks_that_normalise_first():
    network = nn.Sequential(conv(3), PreActivation(), PreActivation(), nn.BatchNorm2d(4), nn.ReLU(), *head())
    assert layers(network) == ("input", "0", "1", "4")


class Sized(nn.Module):
    """A size taken at the bottom and used at the top is no second path."""

    def __init__(self):
        super().__init__()
        self.conv = conv(3)
        self.fc = nn.Linear(1024, 2)

    def forward(self, x):
        batch = x.size(0)
        return self.fc(F.relu(self.conv(x)).view(batch, -1))


def test_a_batch_size_that_is_carried_along_crosses_nothing():
    assert layers(Sized()) == ("input", "relu")


def test_wrappers_are_named_sequences_are_not():
    class Features(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(conv(3), nn.ReLU())

        def forward(self, x):
            return self.body(x)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = Features()
            self.second = nn.Sequential(conv(), nn.ReLU())
            self.head = nn.Sequential(*head())

        def forward(self, x):
            return self.head(self.second(self.first(x)))

    assert layers(Network()) == ("input", "first", "second.1")
