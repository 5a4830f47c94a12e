import operator

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.graph import canonicalise
from peephole.attributions.operations import Add, Affine, Call, WeightedSum
from peephole.errors import PeepholeError


class Written(nn.Module):
    """A network whose forward pass is a function given from outside."""

    def __init__(self, code, **modules):
        super().__init__()
        self.code = code
        for name, module in modules.items():
            setattr(self, name, module)
        self.fc = nn.Linear(3, 4)

    def forward(self, x):
        return self.fc(self.code(self, x).mean((2, 3)))


def sites(model):
    return {site.name: site.module for site in canonicalise(model, (3, 8, 8)).sites}


@pytest.mark.parametrize(
    ("code", "name", "kind"),
    [
        (lambda net, x: F.relu(x), "relu", nn.ReLU),
        (lambda net, x: F.relu(x * 1, inplace=True), "relu", nn.ReLU),
        (lambda net, x: torch.relu(x), "relu", nn.ReLU),
        (lambda net, x: x.relu(), "relu", nn.ReLU),
        (lambda net, x: (x * 1).relu_(), "relu_", nn.ReLU),
        (lambda net, x: x + x, "add", Add),
        (lambda net, x: torch.add(x, x), "add", Add),
        (lambda net, x: operator.iadd(x * 1, x), "add", Add),
        (lambda net, x: (x * 1).add_(x), "add_", Add),
        (lambda net, x: F.max_pool2d(x, 2), "max_pool2d", nn.MaxPool2d),
        (lambda net, x: F.max_pool2d(x, kernel_size=3, stride=2, ceil_mode=True), "max_pool2d", nn.MaxPool2d),
        (lambda net, x: F.avg_pool2d(x, 2, 1, 1, count_include_pad=False), "avg_pool2d", nn.AvgPool2d),
        (lambda net, x: F.adaptive_avg_pool2d(x, (2, 3)), "adaptive_avg_pool2d", nn.AdaptiveAvgPool2d),
        (lambda net, x: F.adaptive_max_pool2d(x, 2), "adaptive_max_pool2d", nn.AdaptiveMaxPool2d),
        (lambda net, x: F.dropout(x, 0.3, net.training), "dropout", nn.Dropout),
        (lambda net, x: F.dropout2d(x, 0.3, net.training), "dropout2d", nn.Dropout),
        (lambda net, x: F.leaky_relu(x, 0.3), "leaky_relu", nn.LeakyReLU),
        (lambda net, x: F.gelu(x, approximate="tanh"), "gelu", nn.GELU),
        (lambda net, x: x.flatten(2)[..., None], "flatten", nn.Flatten),
        (lambda net, x: x.view(x.size(0), -1)[:, :3, None, None], "view", nn.Flatten),
        (lambda net, x: x.reshape((x.shape[0], -1))[:, :3, None, None], "reshape", nn.Flatten),
        (lambda net, x: torch.cat([x, x], 2), "cat", Call),
        (lambda net, x: torch.dropout(x, 0.3, train=net.training), "dropout", Call),
        (lambda net, x: (x * 1).clamp_(0.2), "clamp_", Affine),
        (lambda net, x: torch.add(x, x, alpha=2), "add", WeightedSum),
        (lambda net, x: x + 1, "add", Call),
        (lambda net, x: x.float(), "float_1", Call),
        (lambda net, x: x.view(x.size(0), 3, -1)[..., None], "view", Call),
    ],
)
def test_a_call_becomes_a_module_with_the_same_meaning(code, name, kind):
    # That the meaning is the same, canonicalise itself checks on random pictures.
    found = sites(Written(code))
    assert type(found[name]) is kind
    assert not getattr(found[name], "inplace", False)
    assert "size" not in found or kind is Call


def test_every_call_site_has_a_module_of_its_own():
    relu = nn.ReLU(inplace=True)
    found = sites(Written(lambda net, x: net.relu(net.conv(net.relu(net.conv(x)))), relu=relu, conv=nn.Conv2d(3, 3, 1)))
    assert list(found)[:5] == ["input", "conv", "relu", "conv_1", "relu_1"]
    assert found["relu"] is not found["relu_1"]
    assert found["conv"].weight.data_ptr() != found["conv_1"].weight.data_ptr()
    assert torch.equal(found["conv"].weight, found["conv_1"].weight)
    assert relu.inplace


def test_names_do_not_collide_with_modules_of_the_network():
    found = sites(Written(lambda net, x: net.relu(net.input(F.relu(x))), relu=nn.ReLU(), input=nn.Conv2d(3, 3, 1)))
    assert list(found)[:4] == ["input", "relu_1", "input_1", "relu"]
    assert type(found["input"]) is nn.Identity


def test_calls_in_a_module_stand_under_its_path():
    class Inner(nn.Module):
        def forward(self, x):
            return F.relu(x) + x.mean((2, 3), keepdim=True)

    found = sites(Written(lambda net, x: net.inner(net.inner(x)), inner=nn.Sequential(Inner())))
    assert {"inner.0.relu", "inner.0.add", "inner.0.relu_1", "inner.0.add_1"} <= set(found)


def test_weights_used_directly_become_buffers_of_the_call():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))

        def forward(self, x):
            return (x.mean((2, 3)) * self.scale).tanh() + self.scale

    model = Scaled()
    found = sites(model)
    assert torch.equal(dict(found["mul"].named_buffers())["constant_0"], model.scale.detach())
    assert type(found["add"]) is Call
    assert not found["mul"].get_buffer("constant_0").requires_grad


def test_a_module_called_with_settings_keeps_them():
    class Upsampled(nn.Module):
        def __init__(self):
            super().__init__()
            self.unpool = nn.MaxUnpool2d(2)
            self.pool = nn.MaxPool2d(2, return_indices=True)

        def forward(self, x):
            pooled, indices = self.pool(x)
            return self.unpool(pooled, indices, output_size=x.size()).flatten(1)

    found = sites(Upsampled())
    assert type(found["unpool"]) is Call
    assert isinstance(found["unpool"].function, nn.MaxUnpool2d)


def test_further_parameters_of_forward_keep_their_defaults():
    class Optional(nn.Module):
        def forward(self, x, features=False, scale=None):
            x = x if scale is None else x * scale
            return x if features else x.mean((2, 3))

    assert canonicalise(Optional(), (3, 8, 8)).cuts == ("input", "mean")


def test_a_module_that_hands_on_its_input_names_nothing():
    class Drop(nn.Module):
        def forward(self, x):
            return x if not self.training else x * 0

    model = Written(lambda net, x: net.drop(net.conv(x)), conv=nn.Conv2d(3, 3, 1), drop=Drop())
    assert canonicalise(model, (3, 8, 8)).layers == ("input", "conv")


def test_an_untraceable_model_is_refused_with_the_line_of_its_code():
    class Branching(nn.Module):
        def forward(self, x):
            if x.sum() > 0:  # the line that cannot be traced
                return x.mean((2, 3))
            return -x.mean((2, 3))

    with pytest.raises(PeepholeError) as caught:
        canonicalise(Branching())
    line = Branching.forward.__code__.co_firstlineno + 1
    assert f'{__file__}:{line} "if x.sum() > 0:  # the line that cannot be traced"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_with_several_inputs_is_refused():
    class Two(nn.Module):
        def forward(self, x, y):
            return x + y

    with pytest.raises(PeepholeError, match=r"takes more than pictures \(y\)"):
        canonicalise(Two())


def test_an_in_place_change_is_seen_by_an_older_name():
    class Aliased(nn.Module):
        def forward(self, x):
            old = x * 2
            new = old.add_(1)
            return (old * new).mean((2, 3))

    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(canonicalise(Aliased())(x), ((x * 2 + 1) ** 2).mean((2, 3)))


def test_a_model_that_is_random_in_eval_mode_is_refused():
    class Noisy(nn.Module):
        def forward(self, x):
            return (x + torch.rand_like(x)).mean((2, 3))

    class Forgetful(nn.Module):
        def forward(self, x):
            return F.dropout(x.mean((2, 3)), 0.5)

    state = torch.get_rng_state()
    for model in (Noisy(), Forgetful()):
        with pytest.raises(PeepholeError, match="draws no random numbers in eval mode"):
            canonicalise(model)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Conv2d(3, 3, 1), r"returns \(2, 3, 32, 32\) for 2 pictures; expected logits"),
        (nn.Sequential(nn.Flatten(), nn.Linear(7, 2)), r"does not take pictures of 3×224×224 \(RuntimeError"),
    ],
)
def test_what_is_no_classifier_of_pictures_is_refused(model, message):
    with pytest.raises(PeepholeError, match=message):
        canonicalise(model)
