"""What every registered model promises."""

import pytest
import torch
from torch import fx, nn

from peephole.models.base import MODELS


@pytest.fixture(scope="module", params=MODELS.names())
def architecture(request):
    return MODELS[request.param]()


def build(architecture, classes=10, seed=0):
    torch.manual_seed(seed)
    return architecture.build(classes)


def pictures(count=2, side=16, seed=1):
    return torch.randn((count, 3, side, side), generator=torch.Generator().manual_seed(seed))


def test_it_says_what_it_is(architecture):
    assert architecture.title
    assert architecture.source
    assert type(architecture).__doc__


@pytest.mark.parametrize(("side", "classes"), [(16, 10), (32, 3), (45, 10)])
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


def test_it_can_learn(architecture):
    model, x, labels = build(architecture), pictures(4), torch.arange(4)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(5):
        loss = nn.functional.cross_entropy(model(x), labels)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < losses[0] / 2


def test_it_can_be_traced_and_every_relu_is_a_module_of_its_own(architecture):
    model = build(architecture).eval()
    graph = fx.symbolic_trace(model)
    torch.testing.assert_close(graph(pictures()), model(pictures()))
    called = [node.target for node in graph.graph.nodes if node.op == "call_module"]
    assert len(called) == len(set(called))
    relus = [name for name, module in model.named_modules() if isinstance(module, nn.ReLU)]
    assert relus
    assert set(relus) <= set(called)
    assert not any(model.get_submodule(name).inplace for name in relus)
    functions = {node.target for node in graph.graph.nodes if node.op in ("call_function", "call_method")}
    assert not functions & {nn.functional.relu, torch.relu, "relu", "relu_"}


def test_it_leaves_its_pictures_alone(architecture):
    x = pictures()
    build(architecture)(x)
    assert x.equal(pictures())
