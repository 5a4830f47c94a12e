import copy
import weakref

import pytest
import torch
import torchvision
from torch import nn

from peephole.attributions.canonical import Canonical
from peephole.attributions.graph import canonicalise
from peephole.errors import PeepholeError, UnknownName

RESNET18 = ("input", "relu", "maxpool", *(f"layer{stage}.{block}" for stage in range(1, 5) for block in range(2)))
RESNET50 = (
    *("input", "relu", "maxpool"),
    *(f"layer{stage}.{block}" for stage, depth in enumerate((3, 4, 6, 3), start=1) for block in range(depth)),
)
VGG16 = ("input", *(f"features.{i}" for i in (1, 3, 4, 6, 8, 9, 11, 13, 15, 16, 18, 20, 22, 23, 25, 27, 29, 30)))
VGG16_BN = ("input", *(f"features.{i}" for i in (2, 5, 6, 9, 12, 13, 16, 19, 22, 23, 26, 29, 32, 33, 36, 39, 42, 43)))


@pytest.mark.parametrize(
    ("name", "layers"), [("resnet18", RESNET18), ("resnet50", RESNET50), ("vgg16", VGG16), ("vgg16_bn", VGG16_BN)]
)
def test_torchvision_networks(name, layers):
    # VGG's own head and initialisation would be nearly all of the test's time.
    with torch.device("meta"):
        model = getattr(torchvision.models, name)(weights=None)
    if name.startswith("vgg"):
        model.classifier = nn.Linear(512 * 7 * 7, 10)
    model = model.to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(0)
    for tensor in model.state_dict().values():
        if tensor.ndim > 1:
            nn.init.kaiming_normal_(tensor, generator=generator)
        else:
            tensor.fill_(1)
    canonical = canonicalise(model)
    assert canonical.layers == layers
    x = torch.rand(1, 3, 48, 40, generator=generator)
    with torch.no_grad():
        assert torch.allclose(canonical(x), model(x), rtol=1e-4, atol=1e-4)
    kinds = {type(site.module).__name__ for site in canonical.sites}
    assert kinds <= {
        *("Identity", "Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "AdaptiveAvgPool2d", "Add", "Flatten", "Linear"),
        "Dropout",
    }
    assert len({id(site.module) for site in canonical.sites}) == len(canonical.sites)
    assert not any(getattr(module, "inplace", False) for module in canonical.modules())


def test_logits_cuts_and_layers(residual, pictures):
    canonical = canonicalise(residual)
    with torch.no_grad():
        assert torch.allclose(canonical(pictures), residual(pictures), rtol=1e-6, atol=1e-6)
    assert canonical.layers == ("input", "relu", "max_pool2d", "blocks.0", "blocks.1")
    assert canonical.cuts == (
        *("input", "conv", "bn", "relu", "max_pool2d", "blocks.0.add", "blocks.0", "blocks.1.add", "blocks.1"),
        *("adaptive_avg_pool2d", "view", "dropout", "fc"),
    )
    assert canonical.shapes["blocks.1"] == (6, 8, 8)  # tried with pictures of 32×32
    assert canonical.shapes["fc"] == (5,)


def test_the_layers_do_not_depend_on_the_size_of_the_pictures(residual):
    assert canonicalise(residual, (3, 8, 8)).layers == canonicalise(residual, (3, 64, 48)).layers


def test_input_is_the_normalised_picture(residual, pictures):
    canonical = canonicalise(residual)
    with torch.no_grad():
        found = canonical.run(pictures, until="input")[0]
    assert torch.equal(found, residual.normalise(pictures))
    assert canonical.module("input") is canonical.network.normalise


def test_without_normalise_input_is_the_picture(residual, pictures):
    canonical = canonicalise(residual.network)
    assert torch.equal(canonical.run(pictures, until="input")[0], pictures)
    assert canonical.layers == canonicalise(residual).layers


def test_the_model_is_left_alone(residual, pictures):
    residual.train()
    state = copy.deepcopy(residual.state_dict())
    modes = {name: module.training for name, module in residual.named_modules()}
    rng = torch.get_rng_state()
    canonical = canonicalise(residual)
    assert {name: module.training for name, module in residual.named_modules()} == modes
    assert all(torch.equal(value, state[name]) for name, value in residual.state_dict().items())
    assert all(parameter.requires_grad for parameter in residual.parameters())
    assert residual.network.blocks[0].relu.inplace
    assert torch.equal(torch.get_rng_state(), rng)
    with torch.no_grad():
        before = canonical(pictures)
        for parameter in residual.parameters():
            parameter.zero_()
        assert torch.equal(canonical(pictures), before)


def test_the_graph_is_frozen_and_in_eval_mode(residual):
    residual.train()
    canonical = canonicalise(residual)
    assert not any(module.training for module in canonical.modules())
    assert not any(tensor.requires_grad for tensor in (*canonical.parameters(), *canonical.buffers()))


def test_weights_keep_their_names(residual):
    names = set(dict(canonicalise(residual).named_parameters()))
    assert names == set(dict(residual.named_parameters()))


def test_module_gives_what_a_hook_sees(residual, pictures):
    canonical = canonicalise(residual)
    seen = {}
    handles = [
        canonical.module(name).register_forward_hook(
            lambda module, args, output, name=name: seen.update({name: output})
        )
        for name in canonical.cuts
    ]
    _, kept = canonical.run(pictures, keep=canonical.cuts)
    assert list(kept) == list(canonical.cuts)
    assert all(torch.equal(seen[name], kept[name]) for name in canonical.cuts)
    for handle in handles:
        handle.remove()


@pytest.mark.parametrize("name", ["input", "bn", "relu", "blocks.0", "blocks.1.add", "view", "fc"])
def test_below_then_above_is_the_whole(residual, pictures, name):
    canonical = canonicalise(residual)
    above = canonical.above(name)
    with torch.no_grad():
        middle = canonical.run(pictures, until=name)[0]
        assert torch.equal(above(middle), canonical(pictures))
        assert torch.equal(canonical.run(middle, after=name)[0], canonical(pictures))
    assert isinstance(above, Canonical)
    assert above.cuts == canonical.cuts[canonical.cuts.index(name) :]
    assert above.layers[0] == name
    higher = canonical.cuts[canonical.cuts.index(name) + 1 :]
    assert above.layers == (name, *(layer for layer in canonical.layers if layer in higher))


def test_an_unknown_layer_lists_the_cut_points(residual):
    canonical = canonicalise(residual)
    with pytest.raises(UnknownName, match=r"unknown cut point 'blocks\.2'.*blocks\.0\.add"):
        canonical.above("blocks.2")


def test_values_are_dropped_when_nothing_reads_them_any_more(residual, pictures):
    canonical = canonicalise(residual)
    alive, references = [], []

    def call(site):
        def run(*args):
            output = site.module(*args)
            references.append(weakref.ref(output))
            alive.append(sum(reference() is not None for reference in references))
            return output

        return run

    with torch.no_grad():
        canonical.run(pictures, call=call)
    assert max(alive) <= 4


def test_a_graph_can_be_copied_and_moved(residual, pictures):
    canonical = canonicalise(residual)
    double = copy.deepcopy(canonical).double()
    with torch.no_grad():
        found = double(pictures.double())
        assert found.dtype == torch.float64
        assert torch.allclose(found.float(), canonical(pictures), atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_graph_stays_on_the_device_of_its_model(residual, pictures):
    canonical = canonicalise(residual.cuda())
    assert canonical(pictures.cuda()).is_cuda


def test_a_network_that_gives_nan_is_refused(residual):
    with torch.no_grad():
        next(residual.parameters())[0] = float("nan")
    with pytest.raises(PeepholeError, match="gives NaN or infinite logits"):
        canonicalise(residual, (3, 8, 8))
