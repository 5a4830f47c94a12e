"""A network answers metrics in the memory layout that it takes."""

import pytest
import torch
from torch import nn

from peephole.attributions.classifier import Normalise
from peephole.errors import PeepholeError
from peephole.leaderboard.examined import Examined
from peephole.models.resnet8 import ResNet8

NORMALISE = Normalise((0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
PICTURES = torch.rand((11, 3, 32, 32), generator=torch.Generator().manual_seed(0))


class Tutorial(nn.Module):
    """The network of PyTorch's tutorials, and the layouts that it has been run in."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.pool, self.conv2 = nn.Conv2d(3, 6, 5), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 84), nn.Linear(84, 10)
        self.usual: list[bool] = []

    def features(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.conv1(x).relu())
        x = self.pool(self.conv2(x).relu())
        x = x.view(-1, 16 * 5 * 5)
        return self.fc2(self.fc1(x).relu()).relu()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.usual.append(x.is_contiguous())
        return self.fc3(self.features(x))


@pytest.fixture
def tutorial() -> Tutorial:
    torch.manual_seed(0)
    return Tutorial().eval()


@torch.no_grad()
def test_answers_are_those_of_the_network_alone(tutorial: Tutorial) -> None:
    examined = Examined(NORMALISE, tutorial, batch=4)
    inputs = NORMALISE(PICTURES)
    decisions = tutorial(inputs).argmax(1)
    tutorial.usual.clear()
    assert examined.decisions(PICTURES).equal(decisions)
    assert tutorial.usual == [False, True, True, True]
    weighted = tutorial.features(inputs) * tutorial.fc3.weight[decisions]
    torch.testing.assert_close(examined.weighted_features(inputs), weighted)
    assert examined.of_inputs().decisions(inputs).equal(decisions)
    assert all(tutorial.usual[1:])  # what one answer finds the others know


def test_no_pictures_say_nothing_about_layouts(tutorial: Tutorial) -> None:
    examined = Examined(NORMALISE, tutorial)
    assert examined.decisions(PICTURES[:0]).shape == (0,)
    assert examined.decisions(PICTURES).shape == (len(PICTURES),)


def test_a_network_of_ours_is_asked_with_channels_last_and_not_once_more() -> None:
    torch.manual_seed(0)
    network = ResNet8().build(10).eval()
    last = []
    network.register_forward_pre_hook(
        lambda _, inputs: last.append(inputs[0].is_contiguous(memory_format=torch.channels_last))
    )
    Examined(NORMALISE, network, batch=4).decisions(PICTURES)
    assert last == [True] * 3


def test_what_is_wrong_with_a_network_is_asked_once() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 32), nn.Flatten())
    shown = []
    network.register_forward_pre_hook(lambda _, inputs: shown.append(len(inputs[0])))
    with pytest.raises(PeepholeError, match="no linear layer"):
        Examined(NORMALISE, network).weighted_features(PICTURES)
    assert shown == [len(PICTURES)]
