"""What every attribution keeps to; a new one enters by being registered."""

import copy
import inspect

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.base import ATTRIBUTIONS, layers_of
from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build, digest, resolve

TARGET_ONLY_AT_THE_TOP = {"activation"}
"""Methods that say what a network knows, not what it decided: below the last ReLU all targets get the same map."""
NO_TARGET = {"from_activation"}
"""Methods that do not ask what the network decided at all."""


class Network(nn.Module):
    """A stem, two residual blocks and a linear layer, with the in-place ReLU and sum of stock networks."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.branches = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in range(2))
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        x = F.max_pool2d(self.relu(self.bn(self.conv(x))), 2)
        for branch in self.branches:
            out = branch(x)
            out += x
            x = self.relu(out)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return canonicalise(Classifier(Normalise((0.5,) * 3, (0.25,) * 3), Network()), (3, 8, 8))


@pytest.fixture
def x():
    return torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=list(ATTRIBUTIONS))
def name(request):
    return request.param


@pytest.fixture
def layers(name, model):
    return layers_of(build(name), model)


@pytest.fixture
def attribute(name, model, layers):
    def call(x, target, layers=layers):
        return build(name).attribute(model, x, target, layers)

    return call


TARGET = torch.tensor([0, 1, 2, 0])


def test_it_says_what_it_is(name):
    method = ATTRIBUTIONS[name]
    assert method.title.strip()
    assert len(method.source) > len(method.title)
    assert len(inspect.getdoc(method) or "") > 80


def test_its_name_is_the_text_of_it(name):
    assert resolve(name) == name
    assert digest(name) == ATTRIBUTIONS.digest(name)
    assert type(build(name)) is ATTRIBUTIONS[name]
    assert type(build(f"{name}()")) is ATTRIBUTIONS[name]


def test_it_has_maps_at_layers_of_the_model(layers, model):
    assert layers
    assert [layer for layer in model.layers if layer in layers] == list(layers)


def test_maps_are_signed_floats_at_the_layers_size_or_the_pictures(attribute, layers, model, x):
    found = attribute(x, TARGET)
    assert list(found) == list(layers)
    for layer, values in found.items():
        channels, *size = model.shapes[layer]
        assert values.shape[:2] in {(4, channels), (4, 1)}
        assert values.shape[2:] in {tuple(size), x.shape[2:]}
        assert values.dtype == torch.float32
        assert not values.requires_grad
        assert values.isfinite().all()
        assert values.any()


def test_the_same_call_gives_the_same_maps(attribute, x):
    first, second = attribute(x, TARGET), attribute(x, TARGET)
    assert all(torch.equal(first[layer], second[layer]) for layer in first)


def test_a_layer_asked_for_alone_gets_the_same_map(attribute, layers, x):
    together = attribute(x, TARGET)
    for layer in layers:
        alone = attribute(x, TARGET, [layer])
        assert list(alone) == [layer]
        assert torch.allclose(alone[layer], together[layer], rtol=1e-4, atol=1e-6)


def test_no_map_depends_on_the_other_pictures(attribute, x):
    whole = attribute(x, TARGET)
    for sample in range(4):
        for layer, values in attribute(x[sample, None], TARGET[sample, None]).items():
            assert torch.allclose(values[0], whole[layer][sample], rtol=1e-4, atol=1e-6)


def test_the_map_depends_on_the_target(name, attribute, layers, model, x):
    zero, one = attribute(x, torch.zeros_like(TARGET)), attribute(x, torch.ones_like(TARGET))
    for layer in layers:
        differs = not torch.allclose(zero[layer], one[layer], rtol=1e-4)
        blind = name in NO_TARGET or (name in TARGET_ONLY_AT_THE_TOP and layer != model.layers[-1])
        assert differs or blind


def test_nothing_is_changed(attribute, model, x):
    state, pictures, target = copy.deepcopy(model.state_dict()), x.clone(), TARGET.clone()
    rng = torch.get_rng_state()
    with torch.no_grad():
        logits = model(x)
        attribute(x, target)
        assert not torch.is_grad_enabled()
        assert torch.equal(model(x), logits)
    assert torch.equal(torch.get_rng_state(), rng)
    assert torch.equal(x, pictures)
    assert torch.equal(target, TARGET)
    assert x.grad is None
    assert not x.requires_grad
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    for module in model.modules():
        assert not module.training
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._backward_hooks
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in model.parameters())


def test_maps_are_their_own_memory(attribute, x):
    found = attribute(x, TARGET)
    tensors = [x, *found.values()]
    assert len({tensor.untyped_storage().data_ptr() for tensor in tensors}) == len(tensors)
