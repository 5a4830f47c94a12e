"""InputAware's networks, computed anew from their weights: convolutions by shifts, pooling and up-sampling by hand."""

import numpy as np
import pytest
import torch

from peephole.triggers.encoder_decoder import EncoderDecoder


def network(width=2, outputs=1, seed=0):
    torch.manual_seed(seed)
    net = EncoderDecoder(width, outputs).eval()
    with torch.no_grad():  # so that normalisation does something
        for name, value in net.named_buffers():
            if value.is_floating_point():
                value.uniform_(0.5, 1.5) if "var" in name else value.uniform_(-0.3, 0.3)
        for weight in net.parameters():
            weight.mul_(1.5)
    return net


def convolution(x, layer):
    """3×3, zeros around."""
    weight, bias = (each.detach().double().numpy() for each in (layer.weight, layer.bias))
    height, width = x.shape[1:]
    around = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    out = np.zeros((len(weight), height, width)) + bias[:, None, None]
    for i in range(3):
        for j in range(3):
            out += np.einsum("oc,chw->ohw", weight[:, :, i, j], around[:, i : i + height, j : j + width])
    return out


def normalised(x, layer):
    mean, var, weight, bias = (
        each.detach().double().numpy()[:, None, None]
        for each in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
    )
    return (x - mean) / np.sqrt(var + layer.eps) * weight + bias


def sequence(x, layers):
    for layer in layers:
        if isinstance(layer, torch.nn.Conv2d):
            x = convolution(x, layer)
        elif isinstance(layer, torch.nn.BatchNorm2d):
            x = normalised(x, layer)
        else:
            assert isinstance(layer, torch.nn.ReLU)
            x = np.maximum(x, 0)
    return x


def halved(x):
    """The largest of each 2×2, of fewer at an odd end."""
    side = -(-x.shape[-1] // 2)
    return np.array(
        [[x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max((1, 2)) for j in range(side)] for i in range(side)]
    )


def weights(small, large):
    """Bilinear, half-pixel centres: ``[large,small]``."""
    matrix = np.zeros((large, small))
    for i in range(large):
        place = min(max((i + 0.5) * small / large - 0.5, 0), small - 1)
        low = int(place)
        matrix[i, low] += 1 - (place - low)
        matrix[i, min(low + 1, small - 1)] += place - low
    return matrix


def enlarged(x, side):
    matrix = weights(x.shape[-1], side)
    return np.einsum("ia,jb,cab->cij", matrix, matrix, x)


def slow(net, x):
    sides = []
    for block in net.down:
        x = sequence(x, block)
        sides.append(x.shape[-1])
        x = np.moveaxis(halved(x), -1, 0)
    x = sequence(x, net.middle)
    for block, side in zip(net.up, sides[::-1], strict=True):
        x = sequence(enlarged(x, side), block)
    return np.tanh(x) / 2 + 0.5


@pytest.mark.parametrize("side", [16, 30, 33])
@pytest.mark.parametrize("outputs", [1, 3])
def test_it_equals_its_description(side, outputs):
    net = network(outputs=outputs)
    x = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        made = net(x)
    assert made.shape == (2, outputs, side, side)
    assert made.std() > 0.01
    for one, result in zip(x, made, strict=True):
        np.testing.assert_allclose(result.numpy(), slow(net, one.double().numpy()), rtol=0, atol=1e-5)


@pytest.mark.parametrize("width", [2, 32])
def test_its_steps_have_the_published_widths(width):
    net = EncoderDecoder(width, 3)
    shapes = {
        name: [tuple(layer.weight.shape[:2][::-1]) for layer in part.modules() if isinstance(layer, torch.nn.Conv2d)]
        for name, part in net.named_children()
    }
    assert shapes["down"] == [
        *((3, width), (width, width)),
        *((width, 2 * width), (2 * width, 2 * width)),
        *((2 * width, 4 * width), (4 * width, 4 * width)),
    ]
    assert {inputs for inputs, _ in shapes["middle"]} == {4 * width}
    assert shapes["up"][0][0] == 4 * width
    assert shapes["up"][-1] == (width, 3)
    for earlier, later in zip(shapes["up"], shapes["up"][1:], strict=False):
        assert earlier[1] == later[0]


def test_values_lie_in_the_unit_interval():
    net = network()
    with torch.no_grad():
        made = net(100 * torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert made.min() >= 0
    assert made.max() <= 1
