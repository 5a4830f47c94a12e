import math

import pytest
import torch
from torch import fx, nn
from torch.nn import functional

from peephole.models.base import MODELS
from peephole.models.residual import BasicBlock, ResidualNetwork


def shapes(model, side):
    """Output size of each stage."""
    sizes = {}
    parts = [(name, part) for name, part in model.named_children() if name == "stem" or name.startswith("layer")]
    for name, part in parts:
        part.register_forward_hook(lambda _, __, output, name=name: sizes.update({name: tuple(output.shape[1:])}))
    model.eval()(torch.zeros(1, 3, side, side))
    return sizes


def test_resnet8_has_one_fine_layer_and_three_that_halve():
    model = MODELS["resnet8"]().build(10)
    assert sum(weight.numel() for weight in model.parameters()) == 76_818
    assert shapes(model, 32) == {
        "stem": (8, 32, 32),
        "layer1": (16, 16, 16),
        "layer2": (32, 8, 8),
        "layer3": (64, 4, 4),
    }


def test_resnet18_is_the_one_of_the_cifar_literature():
    model = MODELS["resnet18"]().build(10)
    assert sum(weight.numel() for weight in model.parameters()) == 11_173_962
    assert shapes(model, 16) == {
        "stem": (64, 16, 16),
        "layer1": (64, 16, 16),
        "layer2": (128, 8, 8),
        "layer3": (256, 4, 4),
        "layer4": (512, 2, 2),
    }


@pytest.mark.parametrize("name", ["resnet8", "resnet18"])
@pytest.mark.parametrize("side", [16, 32])
def test_it_can_be_traced_and_every_relu_is_a_module_of_its_own(name, side):
    model, x = MODELS[name]().build(10).eval(), torch.randn(2, 3, side, side)
    graph = fx.symbolic_trace(model)
    torch.testing.assert_close(graph(x), model(x))
    called = [node.target for node in graph.graph.nodes if node.op == "call_module"]
    assert len(called) == len(set(called))
    relus = [name for name, module in model.named_modules() if isinstance(module, nn.ReLU)]
    assert relus
    assert set(relus) <= set(called)
    assert not any(model.get_submodule(name).inplace for name in relus)
    functions = {node.target for node in graph.graph.nodes if node.op in ("call_function", "call_method")}
    assert not functions & {functional.relu, torch.relu, "relu", "relu_"}


@pytest.mark.parametrize("name", ["resnet8", "resnet18"])
def test_it_can_learn(name):
    torch.manual_seed(0)
    model, labels = MODELS[name]().build(10), torch.arange(4)
    x = torch.randn((4, 3, 16, 16), generator=torch.Generator().manual_seed(1))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(5):
        loss = functional.cross_entropy(model(x), labels)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < losses[0] / 2


def test_blocks_are_named_by_stage_and_number():
    names = dict(MODELS["resnet18"]().build(10).named_modules())
    assert [name for name, module in names.items() if isinstance(module, BasicBlock)] == [
        f"layer{stage}.{block}" for stage in range(1, 5) for block in range(2)
    ]
    assert isinstance(names["stem"].relu, nn.ReLU)


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(3, 3, 1), (3, 5, 2), (3, 5, 1), (4, 4, 2)])
def test_a_block_is_what_the_paper_writes(inputs, outputs, stride):
    torch.manual_seed(0)
    block = BasicBlock(inputs, outputs, stride).double()
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    block.eval()
    x = torch.randn(2, inputs, 7, 7, dtype=torch.float64)

    def normalised(y, norm):
        column = (slice(None), None, None)
        unit = (y - norm.running_mean[column]) / (norm.running_var[column] + norm.eps).sqrt()
        return unit * norm.weight[column] + norm.bias[column]

    def convolved(y, weight, step, padding):
        columns = functional.unfold(y, weight.shape[-1], padding=padding, stride=step)
        side = math.isqrt(columns.shape[-1])
        return (weight.flatten(1) @ columns).unflatten(-1, (side, side))

    y = normalised(convolved(x, block.conv1.weight, stride, 1), block.bn1).clamp(min=0)
    y = normalised(convolved(y, block.conv2.weight, 1, 1), block.bn2)
    shortcut = x
    if stride != 1 or inputs != outputs:
        shortcut = normalised(convolved(x, block.downsample[0].weight, stride, 0), block.downsample[1])
    torch.testing.assert_close(block(x), (y + shortcut).clamp(min=0), rtol=1e-12, atol=1e-12)


def test_weights_start_as_documented():
    torch.manual_seed(0)
    model = ResidualNetwork(stem=64, widths=(64, 128), depths=(1, 2), strides=(1, 2), classes=7)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] ** 2
            error = 5 / math.sqrt(2 * module.weight.numel())
            assert module.weight.std().item() == pytest.approx(math.sqrt(2 / fan_out), rel=error)
            assert module.bias is None
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert (module.bias == 0).all()
    assert model.fc.weight.abs().max().item() <= 1 / math.sqrt(128)


def test_widths_depths_and_strides_belong_together():
    with pytest.raises(ValueError, match=r"shorter|longer"):
        ResidualNetwork(stem=4, widths=(4, 8), depths=(1,), strides=(1, 2), classes=2)
