"""Small networks that do what stock networks do and hooks trip over."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.classifier import Classifier, Normalise


class Block(nn.Module):
    """A residual block with one in-place ReLU for both call sites and an in-place sum, as torchvision writes it."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        identity = x if self.shortcut is None else self.shortcut(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class Residual(nn.Module):
    """Convolution, normalisation, functional ReLU, max-pool, two blocks, global mean, linear."""

    def __init__(self, classes=5):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.blocks = nn.Sequential(Block(4, 4, 1), Block(4, 6, 2))
        self.fc = nn.Linear(6, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn(self.conv(x)), inplace=True), 2)
        x = F.adaptive_avg_pool2d(self.blocks(x), 1)
        return self.fc(F.dropout(x.view(x.size(0), -1), 0.5, self.training))


@pytest.fixture
def residual():
    """A classifier around `Residual` with random weights and random normalisation statistics, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = Residual()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.5, 0.5)
                nn.init.uniform_(module.running_mean, -0.5, 0.5)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
    return Classifier(Normalise((0.5, 0.4, 0.3), (0.2, 0.25, 0.3)), network).eval()


@pytest.fixture
def pictures():
    """Three pictures of 3×8×8 in [0,1]."""
    return torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))
