"""Layers whose channels are not where convolutions have them, and code that carries shapes along."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.errors import PeepholeError

from .rules import RULES, TARGET, answers, differences, pictures


def seeded(build_network):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return build_network().double().eval()


class Mixer(nn.Module):
    """A block on channels last, as Swin has it: normalisation and two linear layers beside a shortcut."""

    def __init__(self, width):
        super().__init__()
        self.norm, self.one, self.two = nn.LayerNorm(width), nn.Linear(width, 6), nn.Linear(6, width)

    def forward(self, x):
        return x + self.two(F.gelu(self.one(self.norm(x))))


class ChannelsLast(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 5, 2, 2)
        self.blocks = nn.Sequential(Mixer(5), Mixer(5))
        self.norm, self.fc = nn.LayerNorm(5), nn.Linear(5, 4)

    def forward(self, x):
        x = self.blocks(self.stem(x).permute(0, 2, 3, 1))
        return self.fc(self.norm(x).mean((1, 2)))


class Tokens(nn.Module):
    """A small vision transformer; ``extra`` tokens without a place in front, the first of which is read."""

    def __init__(self, extra=1, attention=True):
        super().__init__()
        self.patch = nn.Conv2d(2, 6, 2, 2)
        self.extra = nn.Parameter(torch.randn(1, extra, 6))
        self.position = nn.Parameter(torch.randn(1, 16 + extra, 6))
        self.layers = nn.ModuleList(nn.MultiheadAttention(6, 2, batch_first=True) for _ in range(2))
        self.mixers = nn.ModuleList(Mixer(6) for _ in range(2))
        self.norm, self.fc = nn.LayerNorm(6), nn.Linear(6, 4)
        self.count = extra

    def forward(self, x):
        batch = x.shape[0]
        x = self.patch(x).flatten(2).transpose(1, 2)
        if self.count:
            x = torch.cat([self.extra.expand(batch, -1, -1), x], 1)
        x = x + self.position
        for attention, mixer in zip(self.layers, self.mixers, strict=True):
            x = x + attention(x, x, x, need_weights=False)[0]
            x = mixer(x)
        x = self.norm(x)
        return self.fc(x[:, 0] if self.count else x.mean(1))


def test_channels_last_are_found():
    canonical = canonicalise(seeded(ChannelsLast), (2, 8, 8))
    assert canonical.layers == ("input", "permute", "blocks.0", "norm")
    assert {canonical.shapes[layer] for layer in canonical.layers[1:]} == {(5, 4, 4)}


def test_grad_cam_of_channels_last():
    network, x = seeded(ChannelsLast), pictures()
    canonical = canonicalise(network, (2, 8, 8))
    found = build("grad_cam").attribute(canonical, x, TARGET, ["blocks.0"])["blocks.0"]
    value = network.blocks[0](network.stem(x).permute(0, 2, 3, 1)).detach().requires_grad_()
    logits = network.fc(network.norm(network.blocks[1](value)).mean((1, 2)))
    (gradient,) = torch.autograd.grad(logits.gather(1, TARGET[:, None]).sum(), value)
    expected = (value * gradient.mean((1, 2), keepdim=True)).sum(-1).detach()
    assert found.shape == (2, 1, 4, 4)
    assert torch.allclose(found[:, 0], expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("extra", [0, 1, 2])
def test_tokens_are_places(extra):
    network = seeded(lambda: Tokens(extra))
    canonical = canonicalise(network, (2, 8, 8))
    assert len(canonical.layers) >= 4
    assert {canonical.shapes[layer] for layer in canonical.layers[1:]} == {(6, 4, 4)}
    x = pictures()
    layer = canonical.layers[2]
    values = canonical.run(x, until=layer)[0]
    assert values.shape == (2, 16 + extra, 6)
    expected = values[:, extra:].reshape(2, 4, 4, 6).permute(0, 3, 1, 2)
    assert torch.equal(canonical.picture(layer, values), expected)
    found = build("input_x_gradient").attribute(canonical, x, TARGET, [layer])[layer]
    value = values.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(canonical.above(layer)(value).gather(1, TARGET[:, None]).sum(), value)
    by_hand = (value * gradient)[:, extra:].reshape(2, 4, 4, 6).permute(0, 3, 1, 2)
    assert torch.allclose(found, by_hand.detach(), rtol=1e-10, atol=1e-14)


def test_a_layer_that_the_class_token_does_not_read_is_none():
    """Above the last block no place says anything: its map would be zero whatever the picture."""
    canonical = canonicalise(seeded(Tokens), (2, 8, 8))
    maps = build("gradient").attribute(canonical, pictures(), TARGET, canonical.layers)
    assert all(values.any() for values in maps.values())


@pytest.mark.parametrize(
    "method", ["integrated_gradients(steps=200)", "smoothgrad(samples=2)", "grad_cam", "score_cam"]
)
def test_rules_that_run_the_part_above_a_layer_of_tokens(method):
    network, x = seeded(Tokens), pictures()
    canonical = canonicalise(network, (2, 8, 8))
    layer = canonical.layers[2]
    maps = build(method).attribute(canonical, x, TARGET, [layer])
    assert maps[layer].shape[2:] == (4, 4)
    assert maps[layer].any()
    if method.startswith("integrated"):
        # What the class token holds is no place's, and is said to be missing.
        values = canonical.run(x, until=layer)[0].detach()
        whole = network(x).gather(1, TARGET[:, None])[:, 0]
        base = canonical.run(torch.zeros_like(values), after=layer)[0].gather(1, TARGET[:, None])[:, 0]
        assert torch.allclose(maps[layer].sum((1, 2, 3)) + maps.lost[layer], whole - base, rtol=1e-8)


class Carried(nn.Module):
    """The number of pictures is read at the top and used at the end."""

    def __init__(self, carry):
        super().__init__()
        self.one, self.two, self.fc = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(256, 4)
        self.carry = carry

    def forward(self, x):
        batch, _, height, width = x.shape
        x = F.relu(self.two(F.relu(self.one(x))))
        shape = (batch, 4 * height * width) if self.carry else (x.shape[0], -1)
        return self.fc(x.reshape(shape))


def test_shapes_that_are_carried_along_hide_no_layer():
    one, other = seeded(lambda: Carried(True)), seeded(lambda: Carried(False))
    canonical = canonicalise(one, (2, 8, 8))
    assert canonical.layers == canonicalise(other, (2, 8, 8)).layers == ("input", "relu", "relu_1")
    x = pictures()
    assert differences(answers(one, x, TARGET), answers(other, x, TARGET)) == {}
    # The part above a layer knows the shape for any number of pictures.
    values = canonical.run(x, until="relu")[0]
    for part in (values[:1], values, torch.cat([values, values, values[:1]])):
        assert torch.allclose(canonical.above("relu")(part), canonical.run(part, after="relu")[0])
        assert len(canonical.run(part, after="relu")[0]) == len(part)
    wide = torch.rand(1, 4, 9, 9, dtype=torch.float64)
    with pytest.raises(PeepholeError, match=r"known for a layer of \(4, 8, 8\) only, not of \(4, 9, 9\)"):
        canonical.run(wide, after="relu")


class Asking(nn.Module):
    """Code that asks for shapes: an assertion, a choice, a loop, a computed side."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(2, 4, 3, padding=1), nn.Linear(4, 4)

    def forward(self, x):
        assert x.shape[1] == 2
        if x.dim() != 4 or len(x.shape) != 4:
            raise ValueError("pictures")
        for _ in range(x.size(2) // 4):
            x = F.relu(self.conv(x)) if x.shape[1] == 2 else x + 1
        if x.shape[-1] > 4:
            x = F.avg_pool2d(x, int(x.shape[-1] / 4))
        return self.fc(x.mean((2, 3)))


def test_questions_about_shapes_are_answered():
    canonical = canonicalise(seeded(Asking), (2, 8, 8))
    assert canonical.one_size
    assert torch.allclose(canonical(pictures()), seeded(Asking)(pictures()))
    with pytest.raises(PeepholeError, match="decides by the size of its pictures; this graph is for 2×8×8"):
        build("gradient").attribute(canonical, pictures((2, 12, 12)), TARGET, ["input"])
    assert not canonicalise(seeded(lambda: Carried(True)), (2, 8, 8)).one_size


@pytest.mark.parametrize(
    ("name", "side", "first", "last"),
    [
        ("swin_t", 64, ("input", "features.0.2"), (768, 2, 2)),
        ("convnext_tiny", 64, ("input", "features.0.1"), (768, 2, 2)),
        ("vit_b_32", 224, ("input", "encoder.dropout"), (768, 7, 7)),
    ],
)
def test_layers_of_networks_of_torchvision(name, side, first, last):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = getattr(torchvision.models, name)(weights=None, num_classes=5).eval()
        if name.startswith("vit"):
            nn.init.normal_(model.heads.head.weight)
    canonical = canonicalise(model, (3, side, side))
    assert canonical.layers[:2] == first
    assert canonical.shapes[canonical.layers[-1]] == last
    blocks = {"swin_t": 12, "convnext_tiny": 18, "vit_b_32": 11}[name]
    assert len(canonical.layers) > blocks
    x = torch.rand(2, 3, side, side)
    for layer, values in build("input_x_gradient").attribute(canonical, x, TARGET, canonical.layers).items():
        assert values.shape == (2, *canonical.shapes[layer])
        assert values.any()


def test_the_batch_on_another_axis():
    """Tokens ``[L,B,C]``: maps do not depend on the other pictures, or the rule is refused."""

    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.one, self.fc = nn.Conv2d(2, 6, 2, 2), nn.Linear(6, 6), nn.Linear(6, 4)

        def forward(self, x):
            x = self.conv(x).flatten(2).permute(2, 0, 1)
            x = x + F.relu(self.one(x))
            return self.fc(x.mean(0))

    network, x = seeded(Turned), pictures(count=5)
    target = torch.tensor([0, 1, 2, 3, 0])
    together = answers(network, x, target)
    alone = [answers(network, x[index : index + 1], target[index : index + 1]) for index in range(5)]
    assert set(together) == set(RULES)
    said = 0
    for rule, values in together.items():
        if isinstance(values, str) or "a row is no picture" in str(values):
            continue
        for index, one in enumerate(alone):
            assert torch.allclose(one[rule][0], values[index], rtol=1e-9, atol=1e-12), rule
        said += 1
    assert said > 20
    assert isinstance(together["rectgrad"], str)


def test_patches_folded_into_the_batch():
    class Patches(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(2, 5, 3), nn.Linear(5, 4)

        def forward(self, x):
            patches = x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).reshape(-1, 2, 4, 4)
            hidden = F.relu(self.conv(patches)).mean((2, 3))
            return self.fc(hidden.reshape(x.shape[0], 4, 5).mean(1))

    network, x = seeded(Patches), pictures(count=3)
    target = torch.tensor([0, 1, 2])
    together = answers(network, x, target)
    for index in range(3):
        alone = answers(network, x[index : index + 1], target[index : index + 1])
        for rule, values in together.items():
            if not isinstance(values, str):
                assert torch.allclose(alone[rule][0], values[index], rtol=1e-9, atol=1e-12), rule
    assert isinstance(together["rectgrad"], str)
    assert sum(not isinstance(values, str) for values in together.values()) > 20


class Moved(nn.Module):
    """Convolutions of single places, with something done to the places in between."""

    def __init__(self, there, back=None):
        super().__init__()
        self.one, self.two, self.fc = nn.Conv2d(2, 4, 1), nn.Linear(4, 4), nn.Linear(4, 4)
        self.there, self.back = there, back

    def forward(self, x):
        x = F.relu(self.there(F.relu(self.one(x))))
        return self.fc(self.back(x) if self.back else x.mean((2, 3)))


def windows(x):
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels, height // 4, 4, width // 4, 4).permute(0, 2, 4, 3, 5, 1)
    return x.reshape(batch, 4, 16, channels)


ELSEWHERE = {
    "transposed": (lambda x: x.mT, None),
    "transposed by name": (lambda x: x.transpose(2, 3), None),
    "mirrored": (lambda x: x.flip(3), None),
    "rolled": (lambda x: x.roll((4, 4), (2, 3)), None),
    "channels last, transposed": (lambda x: x.transpose(1, 3), lambda x: x.mean((1, 2))),
    "windows": (windows, lambda x: x.mean((1, 2))),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_not_in_its_place_is_no_layer(name):
    canonical = canonicalise(seeded(lambda: Moved(*ELSEWHERE[name])), (2, 8, 8))
    assert canonical.layers == ("input", "relu")
    with pytest.raises(PeepholeError, match="'relu_1' is no picture: its axes are no places of it; expected spatial"):
        build("grad_cam").attribute(canonical, pictures(), TARGET, ["relu_1"])


IN_PLACE = {
    "padded": lambda x: F.pad(x, (1, 1, 1, 1)),
    "cut": lambda x: x[:, :, 1:-1, 1:-1],
    "every second": lambda x: x[..., ::2, ::2],
    "half of the channels": lambda x: x[:, :2].repeat(1, 2, 1, 1),
    "channels last": lambda x: x.permute(0, 2, 3, 1).mul(1).permute(0, 3, 1, 2),
    "there and back": lambda x: x.flip(3).flip(3),
    "pooled": lambda x: F.avg_pool2d(x, 2),
    "enlarged": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_what_is_in_its_place_is_a_layer(name):
    canonical = canonicalise(seeded(lambda: Moved(IN_PLACE[name])), (2, 8, 8))
    last = canonical.layers[-1]
    x = torch.zeros(1, 2, 8, 8, dtype=torch.float64)
    y = x.clone()
    y[..., 2, 4] = 3
    with torch.no_grad():
        values = [canonical.picture(last, canonical.run(each, keep=[last])[1][last]) for each in (x, y)]
    moved = (values[1] - values[0]).abs().sum((0, 1))
    at = divmod(int(moved.argmax()), moved.shape[1])
    sides = moved.shape
    expected = [(place + 0.5) * side / 8 - 0.5 for place, side in zip((2, 4), sides, strict=True)]
    assert last == "relu_1"
    assert all(abs(found - wanted) <= 1 for found, wanted in zip(at, expected, strict=True))
