"""Key information sufficiency and its two variants, against derivations picture by picture in double precision."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from peephole.attributions.classifier import Normalise
from peephole.errors import PeepholeError
from peephole.leaderboard.base import METRICS, Levels, Probes
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.relevance import to_picture

NAMES = ("kis", "insertion", "insertion_abs")
SIDE = 7
NORMALISE = Normalise((0.4, 0.5, 0.6), (0.2, 0.3, 0.25))


def tiny(seed=0, bias=0.0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 5)
        ).eval()
    network[0].bias.data += bias
    return network.requires_grad_(False)


def probes(count=5, network=None, batch=256, targets=1):
    image = torch.rand((count, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(1))
    mask = torch.zeros((count, targets, SIDE, SIDE), dtype=torch.bool)
    mask[..., :3, :3] = True
    target = torch.arange(targets).expand(count, targets)
    return Probes(image, image, mask, mask, target, network=Examined(NORMALISE, network or tiny(), batch=batch))


def noise(count=5, channels=3, seed=0, targets=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((count, targets, channels, SIDE, SIDE), generator=generator, dtype=torch.float64)


def fed_back(name, relevance, x):
    """What becomes of one picture ``[3,S,S]`` and its map ``[c,S,S]``, entry by entry."""
    result = torch.empty_like(x)
    pixels = relevance.flatten().tolist()
    magnitudes = [abs(value) for value in pixels]
    for c in range(3):
        for row in range(SIDE):
            for column in range(SIDE):
                value = relevance[c if len(relevance) == 3 else 0, row, column].item()
                here = x[c, row, column].item()
                if name == "kis":
                    share = (value - min(pixels)) / (max(pixels) - min(pixels))
                    here = share * (x.max().item() - x.min().item()) + x.min().item()
                elif name == "insertion":
                    here = here if value > sum(pixels) / len(pixels) else 0.0
                else:
                    here = here if abs(value) > sum(magnitudes) / len(magnitudes) else 0.0
                result[c, row, column] = here
    return result


def features(network, picture):
    """The weighted features of one normalised picture, with the network's parts taken apart."""
    conv, _, pool, _, linear = deepcopy(network).double()
    into = pool(conv(picture[None]).clamp(min=0)).flatten()
    logits = [sum(linear.weight[k, f] * into[f] for f in range(len(into))) + linear.bias[k] for k in range(5)]
    decision = max(range(5), key=lambda k: logits[k].item())
    return [(linear.weight[decision, f] * into[f]).item() for f in range(len(into))]


def slow(name, relevance, image, network):
    x = (image.double() - NORMALISE.mean.double()) / NORMALISE.std.double()
    before = features(network, x)
    after = features(network, fed_back(name, relevance, x))
    change = sum(abs(b - a) for a, b in zip(before, after, strict=True))
    return 1 - change / sum(abs(value) for value in before)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_what_equation_20_says(name, channels):
    network = tiny()
    given_probes, maps = probes(network=network), noise(channels=channels)
    scored = METRICS[name]().score(maps, given_probes)
    expected = [slow(name, maps[n, 0], given_probes.image[n], network) for n in range(5)]
    assert scored.value.tolist() == pytest.approx(expected, abs=2e-5)
    assert scored.valid.all()
    assert scored.scored.all()
    assert scored.value.dtype == scored.chance.dtype == scored.best.dtype == torch.float64


def test_decisions_differ_in_these_tests():
    given_probes = probes(40)
    x = NORMALISE(given_probes.image)
    inputs, _ = METRICS["kis"]().key(noise(40)[:, 0], x.double())
    decide = given_probes.examined.network
    changed = decide(x).argmax(1) != decide(inputs.float()).argmax(1)
    assert 0 < changed.sum() < 40


@pytest.mark.parametrize("name", NAMES)
def test_it_never_exceeds_1(name):
    value = METRICS[name]().score(noise(200), probes(200)).value
    assert (value <= 1).all()
    assert (value < 0).any()


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(1e-20, 1e20), shift=st.floats(-3, 3))
def test_the_picture_as_a_map_suffices(scale, shift):
    given_probes = probes()
    maps = (NORMALISE(given_probes.image).double().unsqueeze(1) + shift) * scale
    assert METRICS["kis"]().score(maps, given_probes).value.tolist() == pytest.approx([1.0] * 5, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    scale=st.floats(1e-20, 1e20),
    shift=st.floats(-50, 50),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 99),
)
def test_scale_and_offset_do_not_matter(name, scale, shift, channels, seed):
    """The magnitude of a map has no meaning without its zero: there the scale alone."""
    given_probes, maps = probes(), noise(channels=channels, seed=seed)
    changed = (maps + (0 if name == "insertion_abs" else shift)) * scale
    metric = METRICS[name]()
    torch.testing.assert_close(
        metric.measure(changed, given_probes)[0], metric.measure(maps, given_probes)[0], rtol=0, atol=1e-5
    )


@settings(max_examples=10, deadline=None)
@given(name=st.sampled_from(NAMES), batch=st.integers(1, 8), cut=st.integers(1, 6))
def test_no_cut_into_batches_changes_anything(name, batch, cut):
    whole, maps = probes(7), noise(7)
    expected = METRICS[name]().score(maps, whole)
    places = torch.arange(7)
    found = [
        METRICS[name]().score(
            maps[part],
            Probes(
                whole.image[part],
                whole.clean[part],
                whole.mask[part],
                whole.exact[part],
                whole.target[part],
                number=part,
                network=Examined(NORMALISE, whole.examined.network, batch=batch),
            ),
        )
        for part in places.tensor_split([cut])
    ]
    for field in ("value", "chance", "best"):
        together = torch.cat([getattr(one, field) for one in found])
        torch.testing.assert_close(together, getattr(expected, field), rtol=0, atol=1e-5)


def test_a_map_costs_one_pass_and_the_pictures_one_for_all():
    seen = []
    network = tiny()
    network.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    given_probes = probes(network=network)
    for name in NAMES:
        METRICS[name]().measure(noise(), given_probes)
    assert seen == [5, 5, 5, 5]


def test_known_levels_spare_the_random_maps():
    seen = []
    network = tiny()
    network.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    metric = METRICS["kis"]()
    levels = Levels(torch.full((5,), 0.25, dtype=torch.float64), torch.ones(5, dtype=torch.float64))
    given_probes = replace(probes(network=network), levels={METRICS["kis"](): levels})
    scored = metric.score(noise(), given_probes)
    assert seen == [5, 5]
    assert scored.chance.tolist() == [0.25] * 5


@pytest.mark.parametrize("name", NAMES)
def test_chance_is_the_mean_of_random_maps_and_best_is_1(name):
    given_probes = probes(300)
    random = torch.rand((300, 1, 1, SIDE, SIDE), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    scored = METRICS[name]().score(random, given_probes)
    excess = scored.value - scored.chance
    assert abs(excess.mean()) < 4 * excess.std() / 300**0.5
    assert excess.std() / 300**0.5 < 0.05
    assert (scored.best == 1).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fill", [0.0, 0.1, -3.0])
def test_a_constant_map_is_invalid_at_chance(name, fill):
    maps = noise()
    maps[2] = fill
    scored = METRICS[name]().score(maps, probes())
    assert scored.valid.tolist() == [True, True, False, True, True]
    assert scored.value[2] == scored.chance[2]


@pytest.mark.parametrize("name", NAMES)
def test_rounding_errors_make_no_map(name):
    even = to_picture(torch.full((5, 1, 1, 3, 3), 0.1), (SIDE, SIDE)).unsqueeze(2)
    rounded = even * (1 + 1e-13 * noise(channels=1))
    assert not METRICS[name]().score(rounded, probes()).valid.any()


def test_a_map_of_signs_has_no_magnitudes():
    maps = noise().sign()
    assert METRICS["insertion"]().score(maps, probes()).valid.all()
    assert not METRICS["insertion_abs"]().score(maps, probes()).valid.any()


def test_a_channel_stays_or_goes_by_itself():
    x = NORMALISE(probes().image).double()
    maps = noise()[:, 0]
    kept = METRICS["insertion"]().key(maps, x)[0] != 0
    assert (kept.any(1) & ~kept.all(1)).any()
    kept = METRICS["insertion"]().key(maps[:, :1], x)[0] != 0
    assert (kept.any(1) == kept.all(1)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_without_features_is_left_out(name):
    network = tiny()
    network[4].weight.data[:] = 0
    network[4].weight.data[0, 0] = 1
    network[0].bias.data -= 3  # the first feature is nothing but for pictures far off
    given_probes = probes(network=network)
    given_probes.image[1] *= 40
    scored = METRICS[name]().score(noise(), given_probes)
    slow_features = [sum(map(abs, features(network, NORMALISE(image).double()))) for image in given_probes.image]
    assert scored.scored.tolist() == [value > 0 for value in slow_features]
    assert not scored.scored.all()
    assert scored.value.isfinite().all()
    assert scored.chance.isfinite().all()


def test_an_even_picture_is_what_any_map_becomes():
    given_probes = probes()
    given_probes.image[:] = torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1)  # all zero once it is normalised
    assert METRICS["kis"]().score(noise(), given_probes).value.tolist() == pytest.approx([1.0] * 5, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_metrics_are_equal_if_they_are_the_same(name):
    assert METRICS[name]() == METRICS[name]()
    assert len({METRICS[other]() for other in NAMES}) == 3


def test_maps_and_pictures_are_left_alone():
    given_probes, maps = probes(), noise()
    image, before = given_probes.image.clone(), maps.clone()
    for name in NAMES:
        METRICS[name]().score(maps, given_probes)
    assert maps.equal(before)
    assert given_probes.image.equal(image)


def _nan(maps):
    maps[1, 0, 2, 3, 3] = torch.nan
    return maps


@pytest.mark.parametrize("name", [*NAMES, "input_alignment"])
@pytest.mark.parametrize(
    "spoil",
    [_nan, lambda m: m[..., :-1], lambda m: m[:2], lambda m: m[:, :, :2], lambda m: m[:, :, 0], lambda m: m.long()],
    ids=["nan", "size", "count", "channels", "summed", "dtype"],
)
def test_bad_maps_are_refused_in_one_line(name, spoil):
    with pytest.raises(PeepholeError) as caught:
        METRICS[name]().score(spoil(noise()), probes())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_several_targets_are_refused(name):
    with pytest.raises(PeepholeError, match=r"probes of 2 targets, expected 1.*such as square"):
        METRICS[name]().score(noise(targets=2), probes(targets=2))


@pytest.mark.parametrize("name", [*NAMES, "input_alignment"])
def test_no_network_is_refused(name):
    with pytest.raises(PeepholeError, match="no network"):
        METRICS[name]().score(noise(), replace(probes(), network=None))


def test_networks_that_cannot_answer_are_refused():
    broken = tiny()
    broken[4].weight.data[0] = torch.nan
    with pytest.raises(PeepholeError, match="not finite on"):
        METRICS["kis"]().score(noise(), probes(network=broken))
    flat = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    with pytest.raises(PeepholeError, match="no linear layer"):
        METRICS["kis"]().score(noise(), probes(network=flat))
