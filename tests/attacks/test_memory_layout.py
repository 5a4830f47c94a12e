"""Networks are trained and asked in the memory layout that they take."""

import pytest
import torch
from torch import nn

from peephole.attacks.predicting import predict
from peephole.attacks.recipe import Recipe
from peephole.attacks.splits import InMemory
from peephole.attacks.training import train
from peephole.memory_layout import takes_channels_last
from peephole.models.resnet8 import ResNet8

RECIPE = Recipe(epochs=1, batch_size=8, learning_rate=0.05)
LAST = torch.channels_last


class Tutorial(nn.Module):
    """The network of PyTorch's tutorials, and the layouts that it has been run in."""

    def __init__(self):
        super().__init__()
        self.conv1, self.pool, self.conv2 = nn.Conv2d(3, 6, 5), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 84), nn.Linear(84, 10)
        self.usual = []

    def forward(self, x):
        self.usual.append(x.is_contiguous())
        x = self.pool(self.conv1(x).relu())
        x = self.pool(self.conv2(x).relu())
        x = x.view(-1, 16 * 5 * 5)
        return self.fc3(self.fc2(self.fc1(x).relu()).relu())


class Forgetful(nn.Module):
    """Looks at memory as it lies: raises nothing, but mixes up channels and places."""

    def forward(self, x):
        return x.as_strided((len(x), x[0].numel()), (x[0].numel(), 1))[:, :10]


class Restless(nn.Module):
    """Changes a buffer at each call, takes another's place, and draws random numbers."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("last", torch.zeros(()), persistent=False)
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Dropout()

    def forward(self, x):
        self.calls += 1
        self.last = torch.rand(())
        return self.second(self.first(x)).mean((2, 3)) + self.calls


@pytest.fixture
def tutorial():
    torch.manual_seed(0)
    return Tutorial()


def pictures(count):
    return torch.randint(256, (count, 3, 32, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def weights_last(network):
    """Whether the weights of all convolutions with several channels and places have their channels last."""
    return {
        module.weight.is_contiguous(memory_format=LAST)
        for module in network.modules()
        if isinstance(module, nn.Conv2d) and module.kernel_size != (1, 1)
    }


def test_a_network_that_takes_only_the_usual_layout_is_trained_in_it(tutorial, cpu):
    before = [weight.clone() for weight in tutorial.parameters()]
    train(tutorial, InMemory(pictures(8), torch.arange(8)), RECIPE, cpu, seed=0)
    assert not tutorial.training
    assert not any(torch.equal(old, new) for old, new in zip(before, tutorial.parameters(), strict=True))
    assert tutorial.usual == [True, False, True]  # the layout is tried once
    assert weights_last(tutorial) == {False}


def test_decisions_are_those_of_the_network_alone(tutorial):
    shown = pictures(20)
    with torch.no_grad():
        expected = tutorial.eval()(shown.float().div(255)).argmax(1)
    tutorial.usual.clear()
    assert predict(tutorial, shown, 8).equal(expected)
    assert tutorial.usual == [False, True, True, True]


def test_an_error_that_comes_in_both_layouts_is_raised(tutorial):
    with pytest.raises(RuntimeError, match="invalid for input of size"):
        predict(tutorial, pictures(3)[..., :30])


def test_too_little_memory_is_no_matter_of_layouts(cpu):
    class Full(nn.Module):
        def forward(self, x):
            asked.append(len(x))
            raise torch.OutOfMemoryError("CUDA out of memory")

    asked = []
    with pytest.raises(torch.OutOfMemoryError):
        predict(Full(), pictures(3))
    assert asked == [3]
    assert takes_channels_last(Full(), torch.rand(2, 3, 4, 4))


def test_a_network_of_ours_is_trained_and_asked_with_channels_last(cpu):
    torch.manual_seed(0)
    network = ResNet8().build(10)
    formats = []
    network.register_forward_pre_hook(lambda _, inputs: formats.append(inputs[0].is_contiguous(memory_format=LAST)))
    train(network, InMemory(pictures(8), torch.arange(8)), RECIPE, cpu, seed=0)
    assert weights_last(network) == {True}
    predict(network, pictures(6), 4)
    assert formats == [False, True, True, True, True]  # two to try, a step, two batches


def test_a_network_that_answers_otherwise_does_not_take_the_layout():
    assert not takes_channels_last(Forgetful(), torch.rand(2, 3, 8, 8))


def test_weights_too_are_tried_with_channels_last():
    class Flat(nn.Conv2d):
        def forward(self, x):
            return (x.mean((2, 3)).repeat(1, 9) @ self.weight.view(4, -1).T)[:, :4]

    network = Flat(3, 4, 3)
    assert not takes_channels_last(network, torch.rand(2, 3, 8, 8))
    assert network.weight.is_contiguous()


def test_trying_leaves_no_trace():
    torch.manual_seed(0)
    network = Restless()
    network.first.eval()
    buffers, random = dict(network.named_buffers()), torch.random.get_rng_state()
    strides = [weight.stride() for weight in network.parameters()]
    assert takes_channels_last(network, torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    assert [module.training for module in network.modules()] == [True, False, True]
    assert all(buffer is buffers[name] and not buffer.any() for name, buffer in network.named_buffers())
    assert [weight.stride() for weight in network.parameters()] == strides
    assert all(weight.grad is None for weight in network.parameters())
    assert torch.equal(torch.random.get_rng_state(), random)
