"""Two networks that are also matrices, and what the package says of them."""

import functools
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build

from .operations import MaxPool, Relu, Sum, convolution, dense, forward, mean, normalisation


class Chain(nn.Module):
    """Convolution, ReLU, max-pool, strided convolution, ReLU, two linear layers with a ReLU between them."""

    layers = ("input", "relu", "pool", "relu_1")

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 12, 2, stride=2)
        self.relu, self.pool = nn.ReLU(inplace=True), nn.MaxPool2d(2)
        self.fc1, self.fc2 = nn.Linear(12, 14), nn.Linear(14, 3)

    def forward(self, x):
        x = self.pool(self.relu(self.conv1(x)))
        x = torch.flatten(self.relu(self.conv2(x)), 1)
        return self.fc2(self.relu(self.fc1(x)))

    def segments(self, *, folded=True, side=4):
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
        self.conv4, self.bn4 = nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6)
        self.conv5, self.project = nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(3, 6, 1, stride=2)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(x + self.conv3(F.relu(self.conv2(x))))
        out = self.conv5(F.relu(self.bn4(self.conv4(x))))
        out += self.project(x)
        return self.fc(F.adaptive_avg_pool2d(F.relu(out), 1).flatten(1))

    def segments(self, *, folded=True, side=4):
        """The same, for pictures of any even side, with normalisation folded into convolutions or apart."""
        half = side // 2

        def normalised(conv, bn, before, after):
            pair = [convolution(conv, before), normalisation(bn, after)]
            return [pair[0].then(pair[1])] if folded else pair

        branch = [*normalised(self.conv4, self.bn4, side, half), Relu(), convolution(self.conv5, half)]
        first = Sum([], [convolution(self.conv2, side), Relu(), convolution(self.conv3, side)])
        return [
            [*normalised(self.conv1, self.bn1, side, side), Relu()],
            [first, Relu()],
            [Sum(branch, [convolution(self.project, side)]), Relu()],
            [mean(6, half), dense(self.fc)],
        ]


KINDS = (Chain, Shortcuts)
TARGET = torch.tensor([0, 1, 2])


@dataclass
class Case:
    """A network of random weights that leave some ReLUs on and some off, and three pictures in [0,1], all float64."""

    kind: type

    def __post_init__(self):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(11)
            self.network = self.kind()
            for tensor in self.network.state_dict().values():
                if tensor.is_floating_point():
                    tensor.copy_(torch.randn_like(tensor) * 0.7)
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.running_var.abs_().add_(0.5)
            self.x = torch.rand(3, 2, 4, 4, dtype=torch.float64)
        model = Classifier(Normalise((0.5, 0.4), (0.25, 0.5)), self.network).double().eval()
        self.canonical = canonicalise(model, (2, 4, 4))
        assert self.canonical.layers == self.kind.layers

    def found(self, method, layers=None):
        """The maps of a method, as arrays."""
        maps = build(method).attribute(self.canonical, self.x, TARGET, layers or self.canonical.layers)
        return {layer: values.numpy() for layer, values in maps.items()}

    def runs(self, *, folded=True):
        """For each picture: the segments, run; the tensors at the layers; the logits; the target."""
        pictures = (self.x.numpy() - np.array([[[0.5]], [[0.4]]], np.float32)) / np.array([[[0.25]], [[0.5]]])
        for picture, target in zip(pictures, TARGET.tolist(), strict=True):
            segments, tensors = self.network.segments(folded=folded), [picture.reshape(-1)]
            for segment in segments:
                tensors.append(forward(segment, tensors[-1]))
            yield segments, tensors[:-1], tensors[-1], target

    def shape(self, layer):
        return self.canonical.shapes[layer]


@functools.cache
def case_of(kind):
    """The case of a network, for tests that leave it as it is."""
    return Case(kind)
