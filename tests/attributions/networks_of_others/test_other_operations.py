"""Operations that few networks have, each with the right value or a refusal by name."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.canonicalisation.probing import probe
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.operations import Operation
from peephole.attributions.refusal import NotDefined
from peephole.attributions.tape import Tape
from peephole.attributions.way import one_hot

from .rules import TARGET, answers, differences, lost_by_z_plus, pictures


def seeded(build_network, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_network().double().eval()


class Sequence(nn.Module):
    """One-dimensional convolutions on the rows of a picture, one after another."""

    def __init__(self, pool, back):
        super().__init__()
        self.one, self.two, self.fc = nn.Conv1d(2, 4, 3), back, nn.Linear(4, 4)
        self.pool = pool

    def forward(self, x):
        return self.fc(self.two(self.pool(self.one(x.flatten(2)))).relu().mean(2))


class Volume(nn.Module):
    """A transposed convolution in three dimensions."""

    def __init__(self):
        super().__init__()
        self.one, self.up, self.fc = nn.Conv2d(2, 4, 3), nn.ConvTranspose3d(1, 2, 2, bias=False), nn.Linear(2, 4)

    def forward(self, x):
        return self.fc(self.up(F.relu(self.one(x))[:, None]).relu().mean((2, 3, 4)))


@pytest.mark.parametrize("pool", [nn.MaxPool1d(2), nn.MaxPool1d(3, 2, padding=1), nn.AdaptiveMaxPool1d(7)])
def test_deeplift_at_max_pools_of_one_dimension(pool):
    network = seeded(lambda: Sequence(pool, nn.Conv1d(4, 4, 3)))
    complete(network)


@pytest.mark.parametrize(
    "pool",
    [lambda x: x.amax((2, 3)), lambda x: x.flatten(2).max(2)[0], lambda x: F.adaptive_max_pool2d(x, 1).flatten(1)],
)
def test_deeplift_at_maxima(pool):
    class Highest(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.fc = nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 3), nn.Linear(4, 4)

        def forward(self, x):
            return self.fc(pool(self.two(F.relu(self.one(x)))))

    complete(seeded(Highest))


class Gated(nn.Module):
    """Squeeze and excitation: channels times a gate that they decide themselves."""

    def __init__(self):
        super().__init__()
        self.one, self.gate, self.two = nn.Conv2d(2, 4, 3), nn.Linear(4, 4), nn.Conv2d(4, 4, 3)
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        x = F.relu(self.one(x))
        x = x * torch.sigmoid(self.gate(x.mean((2, 3))))[:, :, None, None]
        return self.fc(F.relu(self.two(x)).mean((2, 3)))


def test_deeplift_over_gates():
    complete(seeded(Gated))


def complete(network):
    """DeepLIFT's map of every layer sums to the difference of the logit from that of a zero activation."""
    x = pictures()
    canonical = canonicalise(network, (2, 8, 8))
    maps = build("deeplift(epsilon=1e-12)").attribute(canonical, x, TARGET, canonical.layers)
    whole = network(x).gather(1, TARGET[:, None])[:, 0]
    for layer, values in maps.items():
        zero = torch.zeros_like(canonical.run(x[:1], until=layer)[0])
        base = canonical.run(zero, after=layer)[0][0, TARGET]
        assert torch.allclose(values.sum((1, 2, 3)), whole - base, rtol=1e-8, atol=1e-10), layer


def test_a_gate_is_a_product_that_relevance_rules_refuse_by_name():
    found = answers(seeded(Gated), pictures(), TARGET)
    for rule in (
        "lrp_z",
        "lrp_epsilon",
        "lrp_alpha_beta",
        "lrp_alpha1_beta0",
        "dtd",
        "excitation_backprop",
        "fullgrad",
    ):
        assert found[rule] == "a product of two values"
    assert found["guided_backprop"] == "an activation that is no ReLU"


@torch.no_grad()
@pytest.mark.parametrize(
    "network",
    [
        lambda: Sequence(nn.AvgPool1d(2), nn.ConvTranspose1d(4, 4, 3, bias=False)),
        lambda: Sequence(nn.Identity(), nn.ConvTranspose1d(4, 4, 3, stride=2, groups=2)),
        Volume,
    ],
)
def test_relevance_at_transposed_convolutions(network):
    network, x = seeded(network), pictures()
    canonical = canonicalise(network, (2, 8, 8))
    z, product = (
        build(rule).attribute(canonical, x, TARGET, ["input"])["input"] for rule in ("lrp_z", "input_x_gradient")
    )
    assert float((z - product).abs().max() / product.abs().max()) < 1e-5
    maps = build("lrp_alpha1_beta0").attribute(canonical, x, TARGET, ["input"])
    whole = network(x).gather(1, TARGET[:, None])[:, 0]
    counted = lost_by_z_plus(canonical, x, TARGET)["input"]
    assert torch.allclose(maps["input"].sum((1, 2, 3)) + counted, whole, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(maps["input"], z, rtol=1e-2)


class Pooled(nn.Module):
    """A max-pool and its reverse."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.back = (
            nn.Conv2d(2, 4, 3, padding=1),
            nn.MaxPool2d(2, return_indices=True),
            nn.MaxUnpool2d(2),
        )
        self.fc = nn.Linear(4, 4, bias=False)

    def forward(self, x):
        values, places = self.pool(F.relu(self.conv(x)))
        return self.fc(self.back(values, places).mean((2, 3)))


def test_relevance_goes_back_through_an_unpooling():
    network, x = seeded(Pooled), pictures()
    canonical = canonicalise(network, (2, 8, 8))
    maps = build("lrp_alpha1_beta0").attribute(canonical, x, TARGET, ["relu"])["relu"]
    hidden = F.relu(network.conv(x))
    winners = hidden == F.max_pool2d(hidden, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
    # By z⁺, the head: of each label the positive weights alone.
    weights = network.fc.weight[TARGET].detach()
    contributions = hidden * winners * weights[:, :, None, None] / 64
    positive = contributions.clamp(min=0)
    logit = network(x).gather(1, TARGET[:, None])[:, 0]
    expected = positive / positive.sum((1, 2, 3), keepdim=True) * logit[:, None, None, None]
    assert torch.allclose(maps, expected.detach(), rtol=1e-6, atol=1e-9)


def test_score_cam_on_a_layer_larger_than_the_picture():
    network = seeded(
        lambda: nn.Sequential(
            *(nn.Conv2d(2, 3, 3, padding=1), nn.Upsample(scale_factor=4), nn.ReLU(), nn.Conv2d(3, 3, 3), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4)),
        )
    )
    x = pictures((2, 4, 4))
    canonical = canonicalise(network, (2, 4, 4))
    maps = build("score_cam").attribute(canonical, x, TARGET, canonical.layers)
    assert any(values.shape[-1] == 16 for values in maps.values())
    assert all(values.isfinite().all() for values in maps.values())


def test_score_cam_where_a_channel_is_constant_at_the_places_that_are_seen():
    """Of each 4×4 places one varies, and the picture's size is read between others."""
    network = seeded(
        lambda: nn.Sequential(
            *(nn.Conv2d(2, 16, 3, padding=1, bias=False), nn.PixelShuffle(4), nn.Conv2d(1, 3, 3), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4)),
        )
    )
    network[0].weight.data[1:] = 0
    canonical = canonicalise(network, (2, 4, 4))
    found = build("score_cam").attribute(canonical, pictures((2, 4, 4)), TARGET, canonical.layers)
    assert found["1"].shape == (2, 1, 16, 16)
    assert not found["1"].any()
    assert all(values.isfinite().all() for values in found.values())


def test_relus_inside_of_a_transformers_layer_are_not_overlooked():
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch, self.fc = nn.Conv2d(2, 4, 2, 2), nn.Linear(4, 4)
            self.layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)

        def forward(self, x):
            return self.fc(self.layer(self.patch(x).flatten(2).transpose(1, 2)).mean(1))

    canonical = canonicalise(seeded(Encoder), (2, 8, 8))
    for rule in ("guided_backprop", "deconv", "rectgrad", "activation", "lrp_alpha1_beta0", "deeplift", "fullgrad"):
        with pytest.raises(NotDefined, match=r"an unknown operation, 'layer' \(TransformerEncoderLayer\)"):
            build(rule).attribute(canonical, pictures(), TARGET, ["input"])
    assert build("gradient").attribute(canonical, pictures(), TARGET, ["input"])["input"].any()


class Placed(nn.Module):
    """Linear layers with a bias, place by place, and an activation that saturates."""

    def __init__(self):
        super().__init__()
        self.stem, self.hidden, self.fc = nn.Conv2d(2, 4, 3, padding=1), nn.Linear(4, 5), nn.Linear(5, 4)

    def forward(self, x):
        return self.fc(F.relu6(self.hidden(F.silu(self.stem(x * 9)).permute(0, 2, 3, 1))).mean((1, 2)))


def test_fullgrad_counts_biases_of_linear_layers_that_have_places():
    from peephole.attributions.rules.fullgrad import bias_at

    network, x = seeded(Placed), pictures()
    canonical = canonicalise(network, (2, 8, 8))
    tape = Tape(canonical, x, "input")
    steps, terms = {step.site.output: step for step in tape.steps}, {}

    def collect(value, signal):
        bias = bias_at(steps[value]) if value in steps else None
        if bias is not None:
            terms[steps[value].site.name] = (bias * signal).expand_as(signal).flatten(1).sum(1)
        return signal

    found = tape.back(
        one_hot(tape.logits, TARGET), lambda step: None, keep={canonical.cut("input").value}, change=collect
    )
    (gradient,) = found.values()
    whole = (x * gradient).sum((1, 2, 3)) + sum(terms.values())
    assert torch.allclose(whole, network(x).gather(1, TARGET[:, None])[:, 0], rtol=1e-9)
    assert {"stem", "silu", "hidden", "relu6", "fc"} <= set(terms)
    with torch.no_grad():
        usual = build("fullgrad").attribute(canonical, x, TARGET, ["input"])["input"]
        network.hidden.bias.zero_()
        # The gradients change with the bias as well; that the term is there is seen by its place in the map.
        assert not torch.allclose(
            build("fullgrad").attribute(canonicalise(network, (2, 8, 8)), x, TARGET, ["input"])["input"], usual
        )


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 2 if x.sum() > 0 else x,
        lambda x: x.relu() if x.mean() > 0 else x,
        lambda x: x * (x.abs().amax() > 0.5),
        lambda x: x - x.mean(),
    ],
)
def test_a_function_that_asks_for_the_whole_is_none_of_one_number(function):
    found = probe(function, pictures())
    assert found is None or found.operation not in (Operation.SCALE, Operation.RELU, Operation.ACTIVATION)


@pytest.mark.parametrize("cap", [60.0, 99.0])
def test_a_high_ceiling_is_a_ceiling(cap):
    found = probe(lambda x: F.hardtanh(x, 0.0, cap), pictures())
    assert found.operation is Operation.RELU
    assert found.modules == ()


@pytest.mark.parametrize("digits", [1, 2])
def test_a_rounded_relu_is_none(digits):
    found = probe(lambda x: torch.round(F.relu(x), decimals=digits), pictures())
    assert found.operation is Operation.ACTIVATION


class Joined(nn.Module):
    """Two convolutions, joined somehow."""

    def __init__(self, join):
        super().__init__()
        self.one, self.two, self.fc = nn.Conv2d(2, 4, 3), nn.Conv2d(2, 4, 3), nn.Linear(4, 4)
        self.join = join

    def forward(self, x):
        return self.fc(self.join(self.one(x), self.two(x)).mean((2, 3)))


@pytest.mark.parametrize("join", [torch.max, torch.maximum])
def test_the_larger_of_two_branches_is_unknown(join):
    found = answers(
        seeded(lambda: Joined(join)), pictures(), TARGET, ["guided_backprop", "lrp_alpha1_beta0", "deeplift"]
    )
    assert set(found.values()) == {"an unknown operation"}


def test_an_affine_map_with_a_lone_negative_weight_is_a_linear_layer():
    weight = torch.rand(4, 4, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weight[:, 1, 3, 3] = -1.5
    network = seeded(lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU()))
    last = nn.Linear(4 * 6 * 6, 4, bias=False).double()
    with torch.no_grad():
        last.weight.copy_(weight.flatten(1))

    class Mapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = network

        def forward(self, x):
            return torch.einsum("bchw,kchw->bk", self.body(x), weight)

    usual = answers(nn.Sequential(network, nn.Flatten(), last), pictures(), TARGET)
    assert differences(usual, answers(Mapped(), pictures(), TARGET)) == {}


MAXIMA = {
    "amax": lambda z: z.amax((2, 3)),
    "max of a row": lambda z: z.flatten(2).max(-1)[0],
    "values": lambda z: z.flatten(2).max(-1).values,
    "adaptive": lambda z: F.adaptive_max_pool2d(z, 1).flatten(1),
    "a pool": lambda z: F.max_pool2d(z, 4).flatten(1),
    "a pool of rows": lambda z: F.max_pool1d(z.flatten(2), 16).flatten(1),
}


@pytest.mark.parametrize("name", MAXIMA)
def test_rectgrad_shares_out_a_maximum_in_proportion(name):
    """Each input of a window gets its part of the window's sum: ``a_i / Σ a · R``."""
    network = seeded(lambda: nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU()))

    class Largest(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = network

        def forward(self, x):
            return MAXIMA[name](self.body(x)[:, :, :4, :4])

    canonical, x = canonicalise(Largest(), (2, 8, 8)), pictures()
    method = build("rectgrad(proportional=true, percentile=0, bottom=false)")
    layer = next(cut for cut in canonical.cuts if canonical.cut(cut).shape == (4, 8, 8))
    found = method.attribute(canonical, x, TARGET, [layer])[layer]
    values = network(x).detach()
    share = torch.zeros_like(values)
    for row, target in enumerate(TARGET):
        window = values[row, target, :4, :4]
        share[row, target, :4, :4] = window / window.sum() * window.max() / window.where(window > 0, 1)
    assert torch.allclose(found, torch.where(values > 0, share, found), rtol=1e-9, atol=1e-12)


def test_rectgrad_in_proportion_refuses_a_maximum_of_unknown_windows():
    network = seeded(lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.FractionalMaxPool2d(2, output_size=3)))

    class Drawn(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = network

        def forward(self, x):
            return self.body[1](self.body[0](x)).cummax(2)[0].mean((2, 3))

    found = answers(Drawn(), pictures(), TARGET, ["rectgrad(proportional=true)", "gradient"])
    assert isinstance(found["rectgrad(proportional=true)"], str)
    assert not isinstance(found["gradient"], str)


def test_a_transposed_convolution_that_is_told_its_size():
    class Enlarged(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.up = nn.Conv2d(2, 4, 3, stride=2), nn.ConvTranspose2d(4, 4, 3, stride=2)
            self.fc = nn.Linear(4, 4)
            self.told = True

        def forward(self, x):
            x = F.relu(self.down(x))
            wide = (
                self.up(x, output_size=[8, 8])
                if self.told
                else F.conv_transpose2d(x, self.up.weight, self.up.bias, stride=2, output_padding=1)
            )
            return self.fc(F.relu(wide).mean((2, 3)))

    told, plain = seeded(Enlarged), seeded(Enlarged)
    plain.told = False
    assert differences(answers(plain, pictures(), TARGET), answers(told, pictures(), TARGET)) == {}
