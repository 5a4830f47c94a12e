"""Networks as they are used, with random weights and random normalisation statistics."""

import torch
import torchvision
from torch import nn

from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise
from peephole.models.resnet8 import ResNet8
from peephole.models.resnet18 import ResNet18

TARGET = torch.tensor([0, 7])


def vgg16_bn():
    """Thirteen convolutions with biases, normalisation and five max-pools, and three linear layers; narrow."""
    body, inputs = [], 3
    for widths in ((8, 8), (16, 16), (24, 24, 24), (32, 32, 32), (32, 32, 32)):
        for width in widths:
            body += [nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            inputs = width
        body.append(nn.MaxPool2d(2))
    head = [nn.Linear(128, 64), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(64, 64), nn.ReLU(inplace=True)]
    network = nn.Sequential(*body, nn.AdaptiveAvgPool2d(2), nn.Flatten(), *head, nn.Dropout(), nn.Linear(64, 10))
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
    return network


NETWORKS = {
    "torchvision resnet18": (lambda: torchvision.models.resnet18(num_classes=10), 64),
    "vgg16_bn": (vgg16_bn, 64),
    "resnet18": (lambda: ResNet18().build(10), 32),
    "resnet8": (lambda: ResNet8().build(10), 32),
}


def prepared(name, dtype=torch.float32):
    """The canonical graph of a network and two pictures."""
    build, side = NETWORKS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.5, 0.5)
                nn.init.uniform_(module.running_mean, -0.5, 0.5)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
        x = torch.rand(2, 3, side, side).to(dtype)
    normalise = Normalise((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    return canonicalise(Classifier(normalise, network).to(dtype), (3, side, side)), x


def logit(canonical, x):
    return canonical(x).gather(1, TARGET[:, None])[:, 0].double()
