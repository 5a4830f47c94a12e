"""Captum on the canonical graph, where its methods are right, gives the same maps.

The graph is what makes it right: on the stock network Captum trips over the shared in-place ReLU.
"""

import pytest
import torch
import torchvision
from captum import attr

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:captum")

TARGET = torch.tensor([3, 999])


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = torchvision.models.resnet18(weights=None)
        for tensor in (value for name, value in network.named_buffers() if name.endswith("running_var")):
            torch.nn.init.uniform_(tensor, 0.5, 1.5)
    return canonicalise(Classifier(Normalise((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), network))


@pytest.fixture(scope="module")
def x():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def agree(found, expected):
    return torch.allclose(found, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def on_the_part_above(method, model, x, layer, **kwargs):
    """A method of Captum that explains inputs, on the part of the network above a layer."""
    with torch.no_grad():
        activation = model.run(x, until=layer)[0]
    part = model.above(layer)
    return method(part).attribute(activation.requires_grad_(), TARGET, **kwargs).detach()


def at_the_layer(method, model, x, layer, **kwargs):
    """A layer method of Captum, on the module whose output the layer is."""
    return method(model, model.module(layer)).attribute(x, TARGET, **kwargs).detach()


@pytest.mark.parametrize(
    ("rule", "captum"),
    [
        ("gradient", lambda *args: on_the_part_above(attr.Saliency, *args, abs=False)),
        ("input_x_gradient", lambda *args: on_the_part_above(attr.InputXGradient, *args)),
        ("input_x_gradient", lambda *args: at_the_layer(attr.LayerGradientXActivation, *args)),
        ("guided_backprop", lambda *args: on_the_part_above(attr.GuidedBackprop, *args)),
        ("grad_cam", lambda *args: at_the_layer(attr.LayerGradCam, *args, relu_attributions=False)),
    ],
    ids=["Saliency", "InputXGradient", "LayerGradientXActivation", "GuidedBackprop", "LayerGradCam"],
)
def test_captum_agrees_at_every_layer(model, x, rule, captum):
    found = ATTRIBUTIONS[rule]().attribute(model, x, TARGET, model.layers)
    for layer in model.layers:
        assert agree(found[layer], captum(model, x, layer)), layer


def test_input_x_guided_backprop_is_captums_times_the_activation(model, x):
    found = ATTRIBUTIONS["input_x_guided_backprop"]().attribute(model, x, TARGET, model.layers)
    for layer in model.layers:
        with torch.no_grad():
            activation = model.run(x, until=layer)[0]
        assert agree(found[layer], activation * on_the_part_above(attr.GuidedBackprop, model, x, layer))
