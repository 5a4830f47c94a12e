"""Every method of every library runs at every layer, and gives what the library gives when it is called by hand."""

import copy
import functools
import random

import agreement
import cv2
import numpy as np
import pytest
import pytorch_grad_cam
import torch
import torch.nn.functional as F
import torchvision
from captum import attr
from grad_cam_rows import of_stock
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn
from zennit import attribution, composites
from zennit.torchvision import ResNetCanonizer

from peephole.attributions.adapters.base import ADAPTERS
from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise
from peephole.errors import PeepholeError

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:captum")

TARGET = torch.tensor([0, 2, 4])
CHEAP = {"feature_mask": 2, "layer_mask": 2, "n_samples": 3, "n_steps": 4, "n_iter": 3, "num_scales": 2}


class Network(nn.Module):
    """A stem with a max-pool, a residual block with a shortcut, one without, and a linear layer."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.first = nn.Conv2d(4, 6, 3, 2, padding=1)
        self.shortcut = nn.Conv2d(4, 6, 1, 2)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        x = F.max_pool2d(self.relu(self.bn(self.conv(x))), 2)
        x = self.relu(self.first(x) + self.shortcut(x))
        x = self.relu(self.second(x) + x)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def made(dtype=torch.float32):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        network = Network()
        nn.init.uniform_(network.bn.running_var, 0.5, 1.5)
        nn.init.uniform_(network.bn.bias, -0.5, 0.5)
        nn.init.uniform_(network.fc.bias, 1, 2)  # the logits are positive, which AblationCAM divides by
    return canonicalise(Classifier(Normalise((0.5, 0.4, 0.3), (0.2, 0.25, 0.3)), network).to(dtype), (3, 8, 8))


@pytest.fixture(scope="module")
def model():
    return made()


@pytest.fixture(scope="module")
def exact():
    return made(torch.float64)


@pytest.fixture
def x():
    return torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def methods():
    for library in ADAPTERS:
        adapter = ADAPTERS[library]
        bare = adapter.__new__(adapter)
        bare.library = adapter._import()
        yield from ((library, method) for method in bare.methods())


def adapter(library, method, **options):
    return ADAPTERS[library](method, options)


@functools.cache
def cheap(library, method):
    """The method with options that make it quick, where it has them."""
    known = set()
    for name, value in CHEAP.items():
        try:
            adapter(library, method, **{name: value})
        except PeepholeError as error:
            assert f"has no option '{name}'" in str(error)  # noqa: PT017 - most methods lack most options
        else:
            known.add(name)
    return adapter(library, method, **{name: CHEAP[name] for name in known})


def states():
    return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002


@pytest.mark.parametrize(("library", "method"), list(methods()))
def test_every_method_gives_maps_at_every_layer_and_changes_nothing(library, method, model, x):
    explain = cheap(library, method)
    weights, before = copy.deepcopy(model.state_dict()), states()
    with torch.no_grad():
        found = explain.attribute(model, x, TARGET, model.layers)
        assert not torch.is_grad_enabled()
    assert list(found) == list(model.layers)
    for layer, values in found.items():
        channels, height, width = model.shapes[layer]
        assert values.shape[1] in (1, channels)
        assert values.shape[2:] in ((height, width), (8, 8))
        assert values.dtype == torch.float32
        assert not values.requires_grad
    assert any(values.any() for values in found.values())
    assert states() == before
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())
    assert not any(
        hasattr(module, name) for module in model.modules() for name in ("rule", "activations", "input", "output")
    )


@pytest.mark.parametrize(("library", "method"), list(methods()))
def test_a_map_is_the_same_again_and_in_another_batch(library, method, model, x):
    explain = cheap(library, method)
    layers = [model.layers[0], model.layers[-1]]
    whole = explain.attribute(model, x, TARGET, layers)
    order = torch.tensor([2, 1])
    part = explain.attribute(model, x[order], TARGET[order], layers)
    for layer in layers:
        assert torch.allclose(part[layer], whole[layer][order], rtol=1e-3, atol=1e-4 * float(whole[layer].abs().max()))


@pytest.mark.parametrize("method", ["DeepLift", "LayerDeepLift", "DeepLiftShap"])
def test_deep_lifts_multipliers_below_a_max_pool_are_each_pictures_own(method, model):
    x = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(2)) ** 3
    explain = adapter("captum", method, multiply_by_inputs=False)
    whole = explain.attribute(model, x, TARGET, ["relu"])["relu"]
    for sample in range(3):
        alone = explain.attribute(model, x[sample, None], TARGET[sample, None], ["relu"])["relu"][0]
        assert torch.allclose(whole[sample], alone, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("library", "method", "options"),
    [
        ("captum", "GradientShap", {"stdevs": 0.5}),
        ("captum", "Saliency", {"nt_type": "smoothgrad", "stdevs": 0.5, "abs": False}),
        ("zennit", "SmoothGrad", {"noise_level": 0.5}),
        ("grad-cam", "RandomCAM", {}),
    ],
)
def test_the_seed_says_what_is_drawn(library, method, options, model, x):
    first, same, other = (
        adapter(library, method, seed=seed, **options).attribute(model, x, TARGET, ["input"])["input"]
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, same)
    assert not torch.allclose(first, other)


def above(model, x, layer, method, **arguments):
    with torch.no_grad():
        activation = model.run(x, until=layer)[0]
    return method(model.above(layer)).attribute(activation.requires_grad_(), target=TARGET, **arguments).detach()


CAPTUM = {
    "Saliency": lambda model, x, layer: above(model, x, layer, attr.Saliency),
    "IntegratedGradients(n_steps=5)": lambda model, x, layer: above(
        model, x, layer, attr.IntegratedGradients, n_steps=5
    ),
    "Deconvolution": lambda model, x, layer: above(model, x, layer, attr.Deconvolution),
    "Occlusion(strides=1)": lambda model, x, layer: above(
        model,
        x,
        layer,
        attr.Occlusion,
        sliding_window_shapes=(model.shapes[layer][0], 1, 1),
        strides=(model.shapes[layer][0], 1, 1),
    ),
    "LayerGradCam": lambda model, x, layer: attr.LayerGradCam(model, model.module(layer)).attribute(x, TARGET),
    "GuidedGradCam": lambda model, x, layer: above(
        model, x, layer, lambda part: attr.GuidedGradCam(part, part.module(model.layers[-1]))
    ),
}


@pytest.mark.parametrize("text", CAPTUM)
def test_captum_called_by_hand_gives_the_same(text, model, x):
    method, _, rest = text.partition("(")
    options = {rest.partition("=")[0]: int(rest.partition("=")[2].rstrip(")"))} if rest else {}
    found = adapter("captum", method, **options).attribute(model, x, TARGET, model.layers)
    for layer in model.layers:
        assert torch.allclose(found[layer], CAPTUM[text](model, x, layer).detach(), rtol=1e-4, atol=1e-6), layer


@pytest.mark.parametrize("method", ["LRP", "LayerLRP"])
def test_captums_relevance_is_input_times_gradient(method, exact, x):
    found = adapter("captum", method).attribute(exact, x.double(), TARGET, exact.layers)
    expected = ATTRIBUTIONS["input_x_gradient"]().attribute(exact, x.double(), TARGET, exact.layers)
    for layer in exact.layers:
        scale = float(expected[layer].abs().max())
        assert torch.allclose(found[layer], expected[layer], rtol=0, atol=1e-5 * scale), layer


@pytest.mark.parametrize("method", ["DeepLift", "LayerDeepLift", "DeepLiftShap", "IntegratedGradients"])
def test_captums_complete_methods_sum_to_what_the_logit_gained(method, exact, x):
    options = {"n_steps": 300} if method == "IntegratedGradients" else {}
    found = adapter("captum", method, **options).attribute(exact, x.double(), TARGET, exact.layers)
    with torch.no_grad():
        logits, kept = exact.run(x.double(), keep=exact.layers)
        for layer in exact.layers:
            # A layer method's baseline is the picture's.
            start = "input" if method.startswith("Layer") else layer
            end = exact.above(start)(torch.zeros_like(kept[start]))
            gained = (logits - end).gather(1, TARGET[:, None])[:, 0]
            assert torch.allclose(found[layer].sum((1, 2, 3)), gained, rtol=0.02, atol=1e-3), layer


def test_zennit_called_by_hand_with_its_canonizer_gives_the_same():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = torchvision.models.resnet18(weights=None).double().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.0  # the canonizer leaves it in place a second time
            nn.init.uniform_(module.running_var, 0.5, 1.5, generator=torch.Generator().manual_seed(1))
            nn.init.uniform_(module.bias, -0.2, 0.2, generator=torch.Generator().manual_seed(2))
    x = torch.rand(1, 3, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    model = canonicalise(network, (3, 32, 32))
    for method, options in [("EpsilonPlusFlat", {"zero_params": "bias"}), ("EpsilonGammaBox", {"low": 0, "high": 1})]:
        found = adapter("zennit", method, **options).attribute(model, x, torch.tensor([7]), ["input", "layer4.1"])
        composite = getattr(composites, method)(canonizers=[ResNetCanonizer()], **options)
        with attribution.Gradient(network, composite) as gradient:
            expected = gradient(x.clone(), torch.eye(1000, dtype=torch.float64)[[7]])[1]
        scale = float(expected.abs().max())
        assert torch.allclose(found["input"], expected, rtol=0, atol=1e-6 * scale), method
        if "zero_params" in options:
            assert torch.allclose(found["layer4.1"].sum(), torch.ones((), dtype=torch.float64), atol=1e-3)


def test_zennits_box_comes_from_the_models_normalisation(exact, x):
    mean, std = torch.tensor([[0.5, 0.4, 0.3], [0.2, 0.25, 0.3]], dtype=torch.float64)
    low, high = tuple((-mean / std).tolist()), tuple(((1 - mean) / std).tolist())
    given, taken = (
        adapter("zennit", "EpsilonGammaBox", **box).attribute(exact, x.double(), TARGET, ["input"])["input"]
        for box in ({"low": low, "high": high}, {})
    )
    other = adapter("zennit", "EpsilonGammaBox", low=-9, high=9).attribute(exact, x.double(), TARGET, ["input"])
    assert torch.allclose(given, taken, rtol=1e-4, atol=1e-7)
    assert not torch.allclose(other["input"], taken, rtol=1e-2)


def test_zennits_gradient_and_guided_backprop_are_ours(model, x):
    for theirs, ours in {"Gradient": "gradient", "GuidedBackprop": "guided_backprop"}.items():
        found = adapter("zennit", theirs).attribute(model, x, TARGET, model.layers)
        expected = ATTRIBUTIONS[ours]().attribute(model, x, TARGET, model.layers)
        assert all(torch.allclose(found[layer], expected[layer], rtol=1e-3, atol=1e-6) for layer in model.layers)


@pytest.mark.parametrize("method", ["GradCAM", "GradCAMPlusPlus", "EigenCAM", "LayerCAM"])
def test_grad_cam_called_by_hand_gives_the_same(method, model, x):
    found = adapter("grad-cam", method).attribute(model, x, TARGET, model.layers)
    targets = [ClassifierOutputTarget(label) for label in TARGET.tolist()]
    for layer in model.layers:
        with getattr(pytorch_grad_cam, method)(model, [model.module(layer)]) as cam:
            expected = torch.from_numpy(cam(x.clone().requires_grad_(), targets))[:, None]
        assert torch.allclose(found[layer], expected, atol=1e-5), layer


TRANSFORMERS = {
    "timm_vit": "blocks.1",
    "torchvision_vit": "encoder.layers.encoder_layer_0",
    "swin": "features.3.0",
}


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_grad_cam_of_a_transformer_called_by_hand_gives_the_same(name):
    subject, layer = agreement.subject(name, torch.float32), TRANSFORMERS[name]
    found = adapter("grad-cam", "GradCAM").attribute(subject.model, subject.x, subject.target, [layer])[layer]
    expected = of_stock(subject, [layer])[layer]
    assert expected.flatten(1).any(1).all()
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_captums_input_x_gradient_of_a_transformer_is_a_picture_and_ours(name):
    subject = agreement.subject(name, torch.float32)
    layers = subject.model.layers
    found = adapter("captum", "InputXGradient").attribute(subject.model, subject.x, subject.target, layers)
    expected = ATTRIBUTIONS["input_x_gradient"]().attribute(subject.model, subject.x, subject.target, layers)
    for layer in layers:
        assert found[layer].shape == (2, *subject.model.shapes[layer])
        assert torch.allclose(found[layer], expected[layer], rtol=0, atol=1e-5 * float(expected[layer].abs().max()))


def test_every_block_of_a_timm_transformer_is_a_layer():
    subject = agreement.subject("timm_vit", torch.float32)
    assert {"blocks.0", "blocks.1"} <= set(subject.model.layers)


def enlarged(cam):
    """What the library makes of a map ``[H,W]``: no negative values, from 0 to 1, at 8×8, from 0 to 1 again."""
    cam = np.maximum(cam, 0)
    cam = cv2.resize(np.float32((cam - cam.min()) / (1e-7 + (cam - cam.min()).max())), (8, 8))
    return (cam - cam.min()) / (1e-7 + (cam - cam.min()).max())


def test_ablation_cam_ablates_the_channels_of_the_graph(model, x):
    layer = model.layers[-1]
    found = adapter("grad-cam", "AblationCAM").attribute(model, x, TARGET, [layer])[layer]
    with torch.no_grad():
        activation = model.run(x, until=layer)[0]
        full = model(x).gather(1, TARGET[:, None])
        without = []
        for channel in range(activation.shape[1]):
            kept = activation.clone()
            kept[:, channel] = 0
            without.append(model.above(layer)(kept).gather(1, TARGET[:, None]))
        weights = (full - torch.cat(without, 1)) / full
        cams = (weights[:, :, None, None] * activation).sum(1).numpy()
    for sample, cam in enumerate(cams):
        assert np.allclose(found[sample, 0], enlarged(cam), atol=1e-4)


def test_shapley_cam_is_grad_cam_where_all_units_are_linear(model, x):
    first, second = (
        adapter("grad-cam", name).attribute(model, x, TARGET, model.layers) for name in ("ShapleyCAM", "GradCAM")
    )
    assert all(torch.allclose(first[layer], second[layer], atol=1e-5) for layer in model.layers)


def test_full_grad_pairs_each_bias_with_its_gradient(model, x):
    found = adapter("grad-cam", "FullGrad").attribute(model, x[:1], TARGET[:1], ["input"])["input"]
    part = model.above("input")
    picture = model.run(x[:1], until="input")[0].requires_grad_()
    outputs = {}
    logits = part.run(
        picture,
        call=lambda site: lambda *values: outputs.setdefault(site.name, site.module(*values)),
    )[0]
    shares = {"input": picture}
    bn = part.network.bn
    biases = {
        "bn": bn.bias - bn.running_mean * bn.weight / (bn.running_var + bn.eps).sqrt(),
        **{name: part.network.get_submodule(name).bias for name in ("first", "shortcut", "second")},
    }
    shares |= {name: outputs[name] for name in biases}
    gradients = torch.autograd.grad(logits[0, TARGET[0]], list(shares.values()))
    total = np.zeros((8, 8))
    for name, gradient in zip(shares, gradients, strict=True):
        factor = picture if name == "input" else biases[name][:, None, None]
        for channel in (gradient * factor).detach().abs()[0].numpy():
            scaled = (channel - channel.min()) / (1e-7 + (channel - channel.min()).max())
            total += cv2.resize(np.float32(scaled), (8, 8))
    expected = (total - total.min()) / (1e-7 + (total - total.min()).max())
    assert np.allclose(found[0, 0], expected, atol=1e-4)


def test_refine_cam_multiplies_the_layers_above(model, x):
    plain = adapter("grad-cam", "GradCAM").attribute(model, x, TARGET, model.layers[-2:])
    found = adapter("grad-cam", "RefineCAM", base_method="GradCAM").attribute(model, x, TARGET, model.layers[-2:-1])
    product = (plain[model.layers[-2]] * plain[model.layers[-1]])[:, 0].numpy()
    for sample, cam in enumerate(product):
        scaled = (cam - cam.min()) / (1e-7 + (cam - cam.min()).max())
        assert np.allclose(found[model.layers[-2]][sample, 0], scaled, atol=1e-4)


def test_finer_cam_takes_each_pictures_own_label(model, x):
    layer = model.layers[-1]
    found = adapter("grad-cam", "FinerCAM", alpha=0.6).attribute(model, x, TARGET, [layer])[layer]
    for sample in range(3):
        with pytorch_grad_cam.FinerCAM(model, [model.module(layer)]) as cam:
            picture = x[sample, None].clone().requires_grad_()
            expected = cam(picture, target_idx=int(TARGET[sample]), alpha=0.6)
        assert np.allclose(found[sample, 0], expected[0], atol=1e-4)


def test_no_progress_bar_is_drawn(model, x, capsys):
    for method in ("ScoreCAM", "AblationCAM", "FullGrad"):
        adapter("grad-cam", method).attribute(model, x, TARGET, model.layers)
    assert capsys.readouterr() == ("", "")
