"""Every rule once more, in float64 and without autograd: each operation is a matrix, built entry by entry.

A picture is a flat vector, an operation its Jacobian at that vector, and the way back the transposed matrices in
reverse, with whatever a rule does at a ReLU in between.
"""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.graph import canonicalise


class Linear:
    """``y = Mx + b``."""

    def __init__(self, matrix, bias):
        self.matrix, self.bias = matrix, bias

    def forward(self, x):
        self.output = self.matrix @ x + self.bias
        return self.output

    def back(self, signal, relu_rule):
        return self.matrix.T @ signal


class Relu:
    """``y = max(x, 0)``; the rule says what goes back."""

    def forward(self, x):
        self.mask = (x > 0).astype(float)
        self.output = self.mask * x
        return self.output

    def back(self, signal, relu_rule):
        return relu_rule(signal, self.mask, self.output)


class MaxPool:
    """2×2 maxima: a matrix that picks, made anew for each picture."""

    def __init__(self, channels, side):
        self.channels, self.side = channels, side

    def forward(self, x):
        half = self.side // 2
        self.matrix = np.zeros((self.channels * half * half, len(x)))
        for row, (c, i, j) in enumerate(itertools.product(range(self.channels), range(half), range(half))):
            places = [
                (c * self.side + 2 * i + di) * self.side + 2 * j + dj
                for di, dj in itertools.product(range(2), range(2))
            ]
            self.matrix[row, max(places, key=lambda place: x[place])] = 1
        self.output = self.matrix @ x
        return self.output

    def back(self, signal, relu_rule):
        return self.matrix.T @ signal


class Sum:
    """Two ways that start together and are added."""

    def __init__(self, *branches):
        self.branches = branches

    def forward(self, x):
        self.output = sum(forward(branch, x) for branch in self.branches)
        return self.output

    def back(self, signal, relu_rule):
        return sum(back(branch, signal, relu_rule) for branch in self.branches)


def forward(operations, x):
    for operation in operations:
        x = operation.forward(x)
    return x


def back(operations, signal, relu_rule):
    for operation in reversed(operations):
        signal = operation.back(signal, relu_rule)
    return signal


def convolution(module, side):
    """The matrix of a convolution, weight by weight."""
    weight = module.weight.detach().numpy()
    outputs, inputs, height, width = weight.shape
    (stride, _), (padding, _) = module.stride, module.padding
    out = (side + 2 * padding - height) // stride + 1
    matrix = np.zeros((outputs, out, out, inputs, side, side))
    for o, i, y, x, di, dj in itertools.product(*map(range, (outputs, inputs, out, out, height, width))):
        row, column = stride * y + di - padding, stride * x + dj - padding
        if 0 <= row < side and 0 <= column < side:
            matrix[o, y, x, i, row, column] += weight[o, i, di, dj]
    bias = np.zeros(outputs) if module.bias is None else module.bias.detach().numpy()
    return Linear(matrix.reshape(outputs * out * out, -1), np.repeat(bias, out * out))


def normalisation(module, side):
    """Batch normalisation with its running statistics: a diagonal matrix."""
    scale = module.weight.detach().numpy() / np.sqrt(module.running_var.numpy() + module.eps)
    shift = module.bias.detach().numpy() - module.running_mean.numpy() * scale
    return Linear(np.diag(np.repeat(scale, side * side)), np.repeat(shift, side * side))


def dense(module):
    return Linear(module.weight.detach().numpy(), module.bias.detach().numpy())


def mean(channels, side):
    return Linear(np.kron(np.eye(channels), np.full((1, side * side), 1 / side**2)), np.zeros(channels))


class Chain(nn.Module):
    """Convolution, ReLU, max-pool, strided convolution, ReLU, two linear layers with a ReLU between them."""

    layers = ("input", "relu", "pool", "relu_1")

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 4, 2, stride=2)
        self.relu, self.pool = nn.ReLU(inplace=True), nn.MaxPool2d(2)
        self.fc1, self.fc2 = nn.Linear(4, 5), nn.Linear(5, 3)

    def forward(self, x):
        x = self.pool(self.relu(self.conv1(x)))
        x = torch.flatten(self.relu(self.conv2(x)), 1)
        return self.fc2(self.relu(self.fc1(x)))

    def segments(self):
        """The operations above each layer up to the next."""
        return [
            [convolution(self.conv1, 4), Relu()],
            [MaxPool(3, 4)],
            [convolution(self.conv2, 2), Relu()],
            [dense(self.fc1), Relu(), dense(self.fc2)],
        ]


class Shortcuts(nn.Module):
    """Two residual blocks, one with an identity and one with a projection, after a normalised convolution."""

    layers = ("input", "relu", "relu_2", "relu_4")

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(2, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3)
        self.conv2, self.conv3 = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1)
        self.conv4, self.bn4 = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(4)
        self.conv5, self.project = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(3, 4, 1, stride=2)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(x + self.conv3(F.relu(self.conv2(x))))
        out = self.conv5(F.relu(self.bn4(self.conv4(x))))
        out += self.project(x)
        return self.fc(F.adaptive_avg_pool2d(F.relu(out), 1).flatten(1))

    def segments(self):
        first = Sum(
            [Linear(np.eye(48), np.zeros(48))], [convolution(self.conv2, 4), Relu(), convolution(self.conv3, 4)]
        )
        branch = [convolution(self.conv4, 4), normalisation(self.bn4, 2), Relu(), convolution(self.conv5, 2)]
        return [
            [convolution(self.conv1, 4), normalisation(self.bn1, 4), Relu()],
            [first, Relu()],
            [Sum(branch, [convolution(self.project, 4)]), Relu()],
            [mean(4, 2), dense(self.fc)],
        ]


def plain(signal, mask, output):
    return mask * signal


def guided(signal, mask, output):
    return mask * np.maximum(signal, 0)


def activation(signal, mask, output):
    return output


def arrived(a, r):
    return r


def multiplied(a, r):
    return a * r


def weighted(a, r):
    return (r.mean((1, 2), keepdims=True) * a).sum(0, keepdims=True)


RULES = {
    "gradient": (plain, arrived),
    "input_x_gradient": (plain, multiplied),
    "guided_backprop": (guided, arrived),
    "input_x_guided_backprop": (guided, multiplied),
    "grad_cam": (plain, weighted),
    "activation": (activation, arrived),
}


def random_network(kind):
    """Random weights that leave some ReLUs on and some off."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        network = kind().double().eval()
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.randn_like(tensor) * 0.7)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_var.abs_().add_(0.5)
    return network


@pytest.mark.parametrize("kind", [Chain, Shortcuts])
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_equals_its_matrices(kind, rule):
    relu_rule, read = RULES[rule]
    network = random_network(kind)
    canonical = canonicalise(network, (2, 4, 4))
    assert canonical.layers == kind.layers
    x = torch.randn(4, 2, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    target = torch.tensor([0, 1, 2, 0])
    found = ATTRIBUTIONS[rule]().attribute(canonical, x, target, canonical.layers)
    for sample in range(len(x)):
        segments = network.segments()
        tensors = [x[sample].numpy().reshape(-1)]
        for segment in segments:
            tensors.append(forward(segment, tensors[-1]))
        signal = np.eye(3)[target[sample]]
        for layer, segment, tensor in reversed(list(zip(canonical.layers, segments, tensors[:-1], strict=True))):
            signal = back(segment, signal, relu_rule)
            shape = canonical.shapes[layer]
            expected = read(tensor.reshape(shape), signal.reshape(shape))
            np.testing.assert_allclose(found[layer][sample].numpy(), expected, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(canonical(x)[sample].numpy(), tensors[-1], rtol=1e-9)


def test_the_rules_differ_on_these_networks():
    """Otherwise the comparison above could not tell one from another."""
    canonical = canonicalise(random_network(Shortcuts), (2, 4, 4))
    x = torch.randn(2, 2, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    target = torch.tensor([0, 1])
    maps = [ATTRIBUTIONS[rule]().attribute(canonical, x, target, ["input"])["input"].sum(1) for rule in RULES]
    for one, other in itertools.combinations(maps, 2):
        assert not torch.allclose(one, other, rtol=1e-3)
