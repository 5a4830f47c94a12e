"""WaNet, computed anew in float64.

Nothing is taken from the trigger but its field at the places of the k×k vectors, which a picture shows unchanged whose
side less one is a multiple of k − 1.
"""

import numpy as np
import pytest
import torch
from scipy import stats

from peephole.triggers.base import Canvas
from peephole.triggers.texts import build

SIDES = (16, 32, 33, 64, 224)


def drawn(text="wanet", side=32, seed=0):
    return build(text).draw(Canvas(side, 10), seed)


def vectors(text="wanet", seed=0, k=4):
    """The random vectors by the strength they have in the field, float64 ``[k,k,2]``."""
    step = -(-15 // (k - 1))
    return drawn(text, 1 + step * (k - 1), seed).delta[0, ::step, ::step].double().numpy()


def cubic(distance):
    """Keys' kernel with a = −0.75."""
    a, d = -0.75, abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


def bicubic(field, side):
    """``[k,k,2]`` to ``[side,side,2]``, corners on corners, edges repeated."""
    k = len(field)
    weights = np.zeros((side, k))
    for i in range(side):
        place = i * (k - 1) / (side - 1)
        for node in range(int(place) - 1, int(place) + 3):
            weights[i, min(max(node, 0), k - 1)] += cubic(place - node)
    return np.einsum("ia,jb,abc->ijc", weights, weights, field)


def identity(side):
    """``[side,side,2]``: column and row in coordinates from −1 to 1."""
    return np.array([[(-1 + 2 * j / (side - 1), -1 + 2 * i / (side - 1)) for j in range(side)] for i in range(side)])


def moved(delta):
    """Where each pixel is fetched, in pixels: column and row ``[side,side,2]``."""
    side = len(delta)
    return (np.clip(identity(side) + delta, -1, 1) + 1) * (side - 1) / 2


def sampled(x, places):
    """Bilinear, black outside; ``[C,S,S]`` and ``[S,S,2]``, a pixel after the other."""
    side = x.shape[-1]
    out = np.zeros_like(x)
    for i in range(side):
        for j in range(side):
            column, row = places[i, j]
            for r in (int(np.floor(row)), int(np.floor(row)) + 1):
                for c in (int(np.floor(column)), int(np.floor(column)) + 1):
                    if 0 <= r < side and 0 <= c < side:
                        out[:, i, j] += x[:, r, c] * (1 - abs(row - r)) * (1 - abs(column - c))
    return out


def ramps(side, count=1):
    """Pictures whose first channel is the column and whose second is the row, from 0 to 1."""
    place = torch.linspace(0, 1, side, dtype=torch.float64)
    return torch.stack([place.expand(side, side), place[:, None].expand(side, side), torch.zeros(side, side)]).expand(
        count, -1, -1, -1
    )


def fetched(image):
    """Where the pixels of warped `ramps` come from, in pixels ``[B,S,S,2]``: bilinear sampling of a ramp is exact."""
    return image[:, :2].double().permute(0, 2, 3, 1).numpy() * (image.shape[-1] - 1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_vectors_have_the_strength_as_mean_magnitude(seed):
    for strength in (0.5, 2.0):
        magnitudes = np.abs(vectors(f"wanet(s={strength})", seed))
        assert magnitudes.mean() == pytest.approx(strength / 32, rel=1e-6)
        # Uniform numbers in [−1, 1] by their mean magnitude: 32 of those cannot have one 4 times their mean.
        assert magnitudes.max() < 4 * strength / 32


def test_the_vectors_are_uniform():
    field = drawn("wanet(k=64)", side=64).delta.double().flatten().numpy() * 32 / 0.5
    largest = np.abs(field).max()
    assert largest == pytest.approx(2, rel=0.03)
    assert stats.kstest(field, "uniform", (-largest, 2 * largest)).pvalue > 0.01
    assert abs(np.corrcoef(field[0::2], field[1::2])[0, 1]) < 0.06


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("text", "k"), [("wanet", 4), ("wanet(k=6, s=1.5)", 6), ("wanet(k=2, s=0.25)", 2)])
def test_the_field_is_the_vectors_up_sampled(text, k, side):
    field = bicubic(vectors(text, seed=3, k=k), side)
    np.testing.assert_allclose(
        drawn(text, side, seed=3).delta[0].numpy(), field, rtol=0, atol=2e-6 * np.abs(field).max()
    )


@pytest.mark.parametrize("text", ["wanet", "wanet(k=3, s=4.0)"])
@pytest.mark.parametrize("side", [16, 33])
def test_pictures_are_sampled_where_the_field_says(text, side):
    x = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    warp = drawn(text, side)
    places = moved(bicubic(vectors(text, k=4 if text == "wanet" else 3), side))
    expected = np.stack([sampled(one.double().numpy(), places) for one in x])
    image = warp.stamp(x).image
    np.testing.assert_allclose(image.numpy(), expected, rtol=0, atol=2e-5)
    assert (image != x).float().mean() > 0.9


@pytest.mark.parametrize("side", SIDES)
def test_displacement_and_graded_truth(side):
    warp = drawn(side=side, seed=4)
    shift = moved(bicubic(vectors(seed=4), side)) - moved(np.zeros((side, side, 2)))
    far = np.hypot(shift[..., 0], shift[..., 1])
    np.testing.assert_allclose(warp.displacement.numpy(), far, rtol=0, atol=2e-5 * side / 32)
    stamped = warp.stamp(ramps(side, 2).float())
    np.testing.assert_allclose(stamped.soft[1, 0].numpy(), far / far.max(), rtol=0, atol=5e-5)
    assert stamped.soft.shape == (2, 1, side, side)
    assert stamped.soft.max() == 1
    assert stamped.mask is None
    assert stamped.exact.all()
    assert warp.facts() == {
        "mean_displacement": pytest.approx(far.mean(), rel=1e-4),
        "greatest_displacement": pytest.approx(far.max(), rel=1e-4),
    }
    # And what was really done to a picture says the same.
    real = fetched(stamped.image)[0] - moved(np.zeros((side, side, 2)))
    np.testing.assert_allclose(np.hypot(real[..., 0], real[..., 1]), far, rtol=0, atol=1e-4 * side / 32)


@pytest.mark.parametrize("strength", [0.25, 0.5, 1.0])
def test_a_pixel_moves_by_six_tenths_of_the_strength_at_32(strength):
    every = [drawn(f"wanet(s={strength})", seed=seed).facts() for seed in range(30)]
    assert np.mean([facts["mean_displacement"] for facts in every]) == pytest.approx(0.58 * strength, rel=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_it_moves_the_same_part_of_a_larger_picture(seed):
    small, large = (drawn(side=side, seed=seed).facts() for side in (32, 224))
    for name in small:
        assert large[name] / small[name] == pytest.approx(223 / 31, rel=0.04)


def test_twice_the_strength_moves_twice_as_far():
    one, two = (drawn(f"wanet(s={s})", seed=1) for s in (0.5, 1.0))
    torch.testing.assert_close(two.delta, 2 * one.delta)
    inside = slice(4, -4)  # at the edges clipping may cut the longer way
    torch.testing.assert_close(two.displacement[inside, inside], 2 * one.displacement[inside, inside])


def test_one_vector_is_a_shift():
    warp = drawn("wanet(k=1)")
    assert (warp.delta == warp.delta[:, :1, :1]).all()
    assert warp.delta.abs().mean() == pytest.approx(0.5 / 32)


def test_the_seed_decides_the_field_and_the_state_carries_it():
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    first, again, other = drawn(seed=0), drawn(seed=0), drawn(seed=1)
    assert torch.equal(first.delta, again.delta)
    assert not torch.allclose(first.delta, other.delta)
    assert set(first.state_dict()) == {"delta"}
    other.load_state_dict(first.state_dict())
    assert torch.equal(other.stamp(x).image, first.stamp(x).image)
    assert other.facts() == first.facts()


def noise(side, strength=0.5, count=8, seed=0):
    """Where `decoy` fetches each pixel beside where the trigger does, in pixels; unclipped pixels only."""
    warp, x = drawn(f"wanet(s={strength})", side), ramps(side, count).float()
    which = torch.zeros(count, dtype=torch.int64)
    decoys = warp.decoy(x, which, torch.Generator().manual_seed(seed))
    edge = max(4, side // 16)
    difference = fetched(decoys) - fetched(warp.stamp(x).image)
    return difference[:, edge:-edge, edge:-edge]


def test_decoys_at_32_have_the_published_noise():
    """U[−1,1]/32 in coordinates from −1 to 1: 31/64 pixels at most, another one for every picture and place."""
    shifts = noise(32)
    assert np.abs(shifts).max() < 31 / 64 + 1e-4
    assert stats.kstest(shifts.flatten()[::3], "uniform", (-31 / 64, 31 / 32)).pvalue > 0.01
    assert abs(np.corrcoef(shifts[:, :-1].flatten(), shifts[:, 1:].flatten())[0, 1]) < 0.03
    assert abs(np.corrcoef(shifts[0].flatten(), shifts[1].flatten())[0, 1]) < 0.1
    assert abs(np.corrcoef(shifts[..., 0].flatten(), shifts[..., 1].flatten())[0, 1]) < 0.03


def test_decoys_of_a_strong_warp_have_strong_noise():
    np.testing.assert_allclose(noise(32, strength=1.0), 2 * noise(32), rtol=0, atol=1e-3)


def test_decoys_of_large_pictures_have_noise_as_strong_and_as_coarse():
    small, large = noise(32), noise(224, count=2)
    assert np.abs(large).max() < 223 / 64 + 1e-3
    assert np.abs(large).max() > 0.9 * 223 / 64
    # Between the places of the 32×32 grid it is interpolated and weaker: its variance is 4/9 of that at the places.
    assert large.std() / small.std() == pytest.approx(223 / 31 * 2 / 3, rel=0.05)
    near = np.corrcoef(large[:, :, :-1].flatten(), large[:, :, 1:].flatten())[0, 1]
    far = np.corrcoef(large[:, :, :-21].flatten(), large[:, :, 21:].flatten())[0, 1]
    assert near > 0.9
    assert abs(far) < 0.1


def test_decoys_differ_from_the_trigger_and_from_batch_to_batch():
    x, which = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.zeros(2, dtype=torch.int64)
    warp, generator = drawn(), torch.Generator().manual_seed(0)
    first, second = warp.decoy(x, which, generator), warp.decoy(x, which, generator)
    again = warp.decoy(x, which, torch.Generator().manual_seed(0))
    assert torch.equal(first, again)
    assert not torch.allclose(first, second)
    assert not torch.allclose(first, warp.stamp(x).image)


@pytest.mark.parametrize("side", [16, 32, 224])
@pytest.mark.parametrize("strength", [0.5, 20.0])
def test_white_stays_white_and_never_more(side, strength):
    """Clipped places lie in the picture, so nothing black comes in from outside; rounding must not add light."""
    white = torch.ones(2, 3, side, side)
    warp, generator = drawn(f"wanet(s={strength})", side), torch.Generator().manual_seed(0)
    for image in (warp.stamp(white).image, warp.decoy(white, torch.zeros(2, dtype=torch.int64), generator)):
        assert image.max() <= 1
        torch.testing.assert_close(image, white, rtol=0, atol=1e-5)
