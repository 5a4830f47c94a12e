"""What every registered model promises."""

import pytest
import torch
from torch import nn

from peephole.attributions.graph import canonicalise
from peephole.models.base import MODELS

LARGE = {"torchvision_vgg16"}  # hundreds of megabytes


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in MODELS.names()],
)
def architecture(request):
    return MODELS[request.param]()


def build(architecture, classes=10, seed=0):
    torch.manual_seed(seed)
    return architecture.build(classes)


def pictures(count=2, side=32, seed=1):
    return torch.randn((count, 3, side, side), generator=torch.Generator().manual_seed(seed))


def test_it_says_what_it_is(architecture):
    assert architecture.title
    assert architecture.source
    assert type(architecture).__doc__


@pytest.mark.parametrize(("side", "classes"), [(32, 10), (32, 3), (45, 10)])
def test_pictures_in_logits_out(architecture, side, classes):
    with torch.no_grad():
        logits = build(architecture, classes).eval()(pictures(side=side))
    assert logits.shape == (2, classes)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


def test_every_parameter_gets_a_gradient(architecture):
    model = build(architecture)
    x = pictures(4).requires_grad_()
    nn.functional.cross_entropy(model(x), torch.tensor([0, 3, 5, 9])).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
        assert weight.grad.abs().sum() > 0, name
    assert (x.grad.abs().sum(dim=(1, 2, 3)) > 0).all()


def test_weights_depend_on_the_seed_alone(architecture):
    first, same, other = (build(architecture, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(first[name].equal(same[name]) for name in first)
    assert any(not first[name].equal(other[name]) for name in first)


def test_a_picture_is_judged_without_looking_at_the_others(architecture):
    model = build(architecture).eval()
    with torch.no_grad():
        together, alone = model(pictures(3)), model(pictures(3)[1:2])
    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)


def test_a_small_step_against_the_gradient_lowers_the_loss(architecture):
    model, x, labels = build(architecture), pictures(4), torch.arange(4)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)
    before = nn.functional.cross_entropy(model(x), labels)
    before.backward()
    optimiser.step()
    after = nn.functional.cross_entropy(model(x), labels)
    assert after.item() < before.item()


def test_it_has_a_canonical_graph_with_layers_from_fine_to_coarse(architecture):
    model = build(architecture).eval()
    graph = canonicalise(model, (3, 32, 32))
    with torch.no_grad():
        torch.testing.assert_close(graph(pictures()), model(pictures()), rtol=1e-4, atol=1e-5)
    sides = [graph.shapes[layer][-1] for layer in graph.layers]
    assert sides == sorted(sides, reverse=True)
    assert sides[0] == 32
    assert len(set(sides)) >= 4


def test_it_leaves_its_pictures_alone(architecture):
    x = pictures()
    build(architecture)(x)
    assert x.equal(pictures())
