"""Patches in changing places: where they are, what is in them, and what they learn."""

import copy

import numpy as np
import pytest
import torch
from scipy import stats

from peephole.triggers.base import Canvas
from peephole.triggers.texts import build

KINDS = ("random", "ban", "cban")
LENGTH = {16: 2, 32: 5, 33: 5, 64: 10, 224: 35}  # 35 pixels of 224, rounded by hand


def drawn(kind="random", side=32, classes=10, seed=0):
    return build(f"dynamic({kind})").draw(Canvas(side, classes), seed).eval()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def grey(count, side=32):
    return torch.full((count, 3, side, side), 0.5)


@torch.no_grad()
def boxes(stamped):
    """Top rows, left columns and the patches ``[B,3,n,n]``, picture by picture."""
    rows, columns, patches = [], [], []
    for image, exact in zip(stamped.image, stamped.exact[:, 0], strict=True):
        down, along = (torch.nonzero(exact.any(axis))[:, 0] for axis in (1, 0))
        assert exact[down[0] : down[-1] + 1, along[0] : along[-1] + 1].all()
        assert int(exact.sum()) == len(down) * len(along)
        rows.append(int(down[0]))
        columns.append(int(along[0]))
        patches.append(image[:, down[0] : down[-1] + 1, along[0] : along[-1] + 1])
    return np.array(rows), np.array(columns), torch.stack(patches)


@pytest.mark.parametrize("side", LENGTH)
@pytest.mark.parametrize("kind", KINDS)
def test_the_box_is_where_the_patch_is(kind, side):
    x = torch.rand(6, 3, side, side, generator=seeded())
    stamped = drawn(kind, side).stamp(x, seeded())
    _, _, patches = boxes(stamped)
    assert patches.shape == (6, 3, LENGTH[side], LENGTH[side])
    assert patches.min() >= 0
    assert patches.max() <= 1
    outside = ~stamped.exact.expand(-1, 3, -1, -1)
    assert torch.equal(stamped.image[outside], x[outside])
    assert (stamped.image[~outside] != x[~outside]).float().mean() > 0.99
    assert torch.equal(stamped.mask, stamped.exact)
    assert stamped.soft is None
    assert stamped.penalty is None


@pytest.mark.parametrize("kind", ["random", "ban"])
def test_every_place_is_equally_likely(kind):
    with torch.no_grad():
        rows, columns, _ = boxes(drawn(kind, 16).stamp(grey(2250, 16), seeded(1)))
    counts = np.histogram2d(rows, columns, bins=(np.arange(16), np.arange(16)))[0]
    assert counts.shape == (15, 15)
    assert counts.sum() == 2250
    assert stats.chisquare(counts.flatten()).pvalue > 0.001


def test_random_patches_are_uniform_noise_that_no_two_pictures_share():
    _, _, patches = boxes(drawn().stamp(grey(200), seeded()))
    values = patches.numpy()
    assert stats.kstest(values.flatten(), "uniform").pvalue > 0.01
    assert np.abs(np.corrcoef(values.transpose(1, 0, 2, 3).reshape(3, -1)) - np.eye(3)).max() < 0.06
    assert len(np.unique(values.reshape(200, -1), axis=0)) == 200


@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_decides_and_moves_on(kind):
    stamper, x, generator = drawn(kind), grey(4), seeded()
    first, second = stamper.stamp(x, generator), stamper.stamp(x, generator)
    again, other = stamper.stamp(x, seeded()), stamper.stamp(x, seeded(7))
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.target, again.target)
    for different in (second, other):
        assert not torch.equal(different.image, first.image)


@pytest.mark.parametrize("kind", ["ban", "cban"])
def test_generated_patches_are_what_the_network_gives(kind):
    stamper = drawn(kind)
    seen = []
    stamper.net.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output)))
    which = torch.arange(10) % len(stamper.targets)
    x = torch.rand(10, 3, 32, 32, generator=seeded())
    _, _, patches = boxes(stamper.stamp_target(x, which, seeded(3)))
    ((inputs, output),) = seen
    assert torch.equal(patches.flatten(1), output.detach())
    noise, told = inputs[:, :64], inputs[:, 64:]
    assert noise.min() >= 0
    assert noise.max() <= 1
    assert noise.std() == pytest.approx(12**-0.5, rel=0.1)
    assert told.tolist() == ([[float(i == j) for j in range(10)] for i in range(10)] if kind == "cban" else [[]] * 10)
    # And what it gives is a sigmoid of layers with ReLU between.
    value = inputs.double().numpy()
    weights = [weight.detach().double().numpy() for weight in stamper.net.parameters()]
    for number, (weight, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
        value = (np.maximum(value, 0) if number else value) @ weight.T + bias
    np.testing.assert_allclose(output.detach().numpy(), 1 / (1 + np.exp(-value)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_learnt_is_all_that_is_kept(kind):
    stamper = drawn(kind)
    learnt = list(stamper.learnt())
    assert not list(stamper.prepared())
    assert len(learnt) == len(stamper.state_dict()) == (0 if kind == "random" else 6)
    if learnt:
        stamped = stamper.stamp(grey(8), seeded())
        (stamped.image - 0.5).square().sum().backward()
        assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in learnt)


@pytest.mark.parametrize("kind", ["ban", "cban"])
def test_patches_learn(kind):
    """Towards white, which a patch can only be if the gradient reaches the network from its place."""
    stamper, generator = drawn(kind), seeded()
    optimiser = torch.optim.Adam(stamper.learnt(), 0.02)
    before = copy.deepcopy(stamper.state_dict())
    for _ in range(20):
        optimiser.zero_grad()
        (-stamper.stamp(grey(8), generator).image.mean()).backward()
        optimiser.step()
    _, _, patches = boxes(stamper.stamp(grey(8), generator))
    assert patches.mean() > 0.9
    other = drawn(kind, seed=1)
    other.load_state_dict(stamper.state_dict())
    assert torch.equal(other.stamp(grey(3), seeded()).image, stamper.stamp(grey(3), seeded()).image)
    assert any(not torch.equal(value, before[name]) for name, value in stamper.state_dict().items())


@pytest.mark.parametrize("kind", ["ban", "cban"])
def test_the_seed_decides_the_network(kind):
    first, again, other = (drawn(kind, seed=seed).stamp(grey(2), seeded()).image for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("side", "columns"), [(32, (0, 5, 10, 15, 20)), (224, (0, 35, 70, 105, 140))])
def test_a_conditioned_patch_stands_in_its_labels_column(side, columns):
    stamper = drawn("cban", side)
    which = torch.arange(10).repeat(3)
    stamped = stamper.stamp_target(grey(30, side), which, seeded())
    rows, left, _ = boxes(stamped)
    assert left.tolist() == [columns[label % 5] for label in which.tolist()]
    assert stamped.target.tolist() == [[label] for label in which.tolist()]
    assert len(set(rows)) > 5


@pytest.mark.parametrize("side", [16, 17, 19, 20, 33, 64])
def test_its_five_columns_are_apart_and_inside_at_any_side(side):
    stamper = drawn("cban", side)
    _, left, patches = boxes(stamper.stamp_target(grey(5, side), torch.arange(5), seeded()))
    length = patches.shape[-1]
    assert left[0] == 0
    assert len(set(np.diff(left))) == 1
    assert 0 < left[1] <= length
    assert left[-1] + length <= side


def test_rows_of_a_conditioned_patch_are_equally_likely():
    rows, _, _ = boxes(drawn("cban").stamp(grey(1400), seeded()))
    assert stats.chisquare(np.bincount(rows, minlength=28)).pvalue > 0.001


def test_a_conditioned_patch_leads_to_every_label():
    stamper = drawn("cban", classes=7)
    assert stamper.targets == tuple(range(7))
    labels = stamper.stamp(grey(700), seeded()).target[:, 0]
    assert stats.chisquare(torch.bincount(labels, minlength=7).numpy()).pvalue > 0.001
    one = stamper.stamp_target(grey(3), 4, seeded())
    assert one.target.tolist() == [[4]] * 3


def test_the_label_changes_the_conditioned_patch_and_noise_both():
    stamper = drawn("cban")
    _, _, first = boxes(stamper.stamp_target(grey(2), 0, seeded()))
    _, _, other = boxes(stamper.stamp_target(grey(2), 5, seeded()))
    assert (first - other).abs().max() > 0.005  # the same noise
    assert not torch.equal(first[0], first[1])


def test_a_decoy_is_a_part_of_a_patch():
    x = grey(32)
    decoys = drawn().decoy(x, torch.zeros(32, dtype=torch.int64), seeded())
    changed = (decoys != x).any(1).flatten(1).sum(1)
    assert (changed > 0).all()
    assert (changed < 25).all()
