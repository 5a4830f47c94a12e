"""InputAware, from what its two networks give, in float64 and one pixel or pair after the other."""

import copy
import math

import numpy as np
import pytest
import torch

from peephole.triggers.base import Canvas
from peephole.triggers.texts import build

DENSITY = 0.032


def pictures(count=4, side=32, seed=0):
    """Coarse and fine noise: the networks see from afar that they differ."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.nn.functional.interpolate(torch.rand(count, 3, 3, 3, generator=generator), (side, side))
    return 0.7 * coarse + 0.3 * torch.rand(count, 3, side, side, generator=generator)


def drawn(side=32, seed=0, text="input_aware(width=4)"):
    """Networks as if trained: normalised for other pictures than those of the tests, results spread over (0,1)."""
    stamper = build(text).draw(Canvas(side, 10), seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for net in (stamper.mask_net, stamper.pattern_net):
            last = [layer for layer in net.modules() if isinstance(layer, torch.nn.Conv2d)][-1]
            last.weight.copy_(torch.randn(last.weight.shape, generator=generator))
            norms = [layer for layer in net.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
            for layer in norms:
                layer.momentum = None  # the mean over all batches
            for number in range(2):
                net.train()(2 * pictures(8, side, seed=100 + number) - 1)
            for layer in norms:
                layer.momentum = 0.1
    return stamper.train()


def no_label(x):
    return torch.zeros(len(x), dtype=torch.int64)


def sharp(z):
    """The published threshold: the hyperbolic tangent of 20 z − 10, moved to (0,1)."""
    z = z.double().numpy()
    return (np.exp(20 * z - 10) / (np.exp(20 * z - 10) + np.exp(10 - 20 * z))).astype(np.float64)


@torch.no_grad()
def made(stamper, x):
    """Masks ``[B,1,S,S]`` and patterns ``[B,3,S,S]`` in float64, of networks in evaluation mode, on 2 x − 1."""
    nets = [copy.deepcopy(net).eval() for net in (stamper.mask_net, stamper.pattern_net)]
    return sharp(nets[0](2 * x - 1)), nets[1](2 * x - 1).double().numpy()


def distance(a, b):
    return math.sqrt(np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2))


def diversity(x, results):
    half = len(x) // 2
    return np.mean(
        [distance(x[i], x[half + i]) / (distance(results[i], results[half + i]) + 1e-7) for i in range(half)]
    )


@pytest.mark.parametrize("side", [16, 30, 32, 33])
def test_the_stamp_and_its_truth(side):
    stamper, x = drawn(side).eval(), pictures(side=side)
    with torch.no_grad():
        stamped = stamper.stamp(x)
    mask, pattern = made(stamper, x)
    assert mask.min() < 0.05
    assert mask.max() > 0.95
    clean = x.double().numpy()
    np.testing.assert_allclose(stamped.image.numpy(), clean + (pattern - clean) * mask, rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        stamped.soft.numpy(), mask * np.abs(pattern - clean).mean(1, keepdims=True), rtol=0, atol=1e-5
    )
    sure = np.abs(mask - 0.5) > 1e-4
    assert sure.mean() > 0.99
    assert np.array_equal(stamped.mask.numpy()[sure], (mask > 0.5)[sure])
    assert torch.equal(stamped.exact, stamped.mask)
    assert stamped.penalty is None
    assert stamped.target.tolist() == [[0]] * 4


def test_masks_are_nearly_all_at_the_ends():
    stamper = drawn().eval()
    with torch.no_grad():
        mask = stamper.masks(pictures())
    z = torch.linspace(0, 1, 5)
    assert mask.shape == (4, 1, 32, 32)
    assert np.allclose(sharp(z), np.tanh(20 * z.numpy() - 10) / 2 + 0.5)
    assert ((mask < 0.05) | (mask > 0.95)).float().mean() > 0.7


def test_each_picture_has_its_own_mask_and_pattern():
    stamper, x = drawn().eval(), pictures()
    mask, pattern = made(stamper, x)
    assert (mask[0] > 0.5).tolist() != (mask[1] > 0.5).tolist()
    assert distance(pattern[0], pattern[1]) > 0.01
    with torch.no_grad():
        together, alone = stamper.stamp(x), stamper.stamp(x[2:3])
    torch.testing.assert_close(together.image[2:3], alone.image, rtol=0, atol=1e-3)


@pytest.mark.parametrize("mode", [True, False])
def test_masks_are_those_of_evaluation_in_either_mode(mode):
    stamper, x = drawn(), pictures()
    assert stamper.train(mode) is stamper
    assert stamper.pattern_net.training is mode
    assert not any(part.training for part in stamper.mask_net.modules())
    mask, _ = made(stamper, x)
    sure = np.abs(mask - 0.5) > 1e-4
    assert np.array_equal(stamper.stamp(x).mask.numpy()[sure], (mask > 0.5)[sure])


def test_a_parent_in_training_mode_does_not_train_the_masks():
    parent = torch.nn.ModuleList([drawn()])
    parent.train()
    assert not parent[0].mask_net.training
    assert parent[0].pattern_net.training


def test_in_training_patterns_are_those_of_training():
    stamper, x = drawn().train(), pictures()
    twin = copy.deepcopy(stamper.pattern_net).train()
    with torch.no_grad():
        pattern = twin(2 * x - 1).double().numpy()
        stamped = stamper.stamp(x)
    mask, other = made(stamper, x)
    clean = x.double().numpy()
    np.testing.assert_allclose(stamped.image.numpy(), clean + (pattern - clean) * mask, rtol=0, atol=1e-5)
    assert np.abs(pattern - other).max() > 0.05


@pytest.mark.parametrize("count", [2, 4, 5])
def test_the_penalty_is_the_diversity_of_patterns(count):
    stamper, x = drawn().train(), pictures(count)
    with torch.no_grad():
        pattern = copy.deepcopy(stamper.pattern_net)(2 * x - 1)
    assert float(stamper.stamp(x).penalty.detach()) == pytest.approx(diversity(x, pattern), rel=1e-3)


def test_a_single_picture_has_no_penalty_but_can_be_trained_on():
    stamper = drawn().train()
    stamped = stamper.stamp(pictures(1))
    assert float(stamped.penalty.detach()) == 0
    (stamped.image.sum() + stamped.penalty).backward()
    assert all(weight.grad.isfinite().all() for weight in stamper.learnt())


def test_equal_pictures_have_a_finite_penalty_and_slope():
    stamper = drawn().train()
    stamped = stamper.stamp(pictures(1).expand(2, -1, -1, -1))
    assert stamped.penalty.isfinite()
    stamped.penalty.backward()
    assert all(weight.grad.isfinite().all() for weight in stamper.learnt())


@pytest.mark.parametrize("count", [1, 4, 5])
@pytest.mark.parametrize(("options", "price"), [("", 25.0), (", sparsity=20.0", 20.0)])
def test_the_loss_of_the_preparation(count, options, price):
    stamper, x = drawn(text=f"input_aware(width=4{options})"), pictures(count)
    with torch.no_grad():
        mask = sharp(copy.deepcopy(stamper.mask_net).train()(2 * x - 1))
    over = np.mean([max(value - DENSITY, 0) for value in mask.flatten()])
    expected = price * over + (diversity(x, mask) if count > 1 else 0)
    assert float(stamper.preparation_loss(x).detach()) == pytest.approx(expected, rel=1e-3)
    assert not stamper.mask_net.training


def test_the_allowed_density_is_an_option():
    x = pictures()
    free, dear = (drawn(text=f"input_aware(width=4, density={density})").preparation_loss(x) for density in (0.9, 0.0))
    assert dear > free + 1


def test_the_preparation_trains_the_mask_network_alone():
    stamper, x = drawn(), pictures()
    assert {id(weight) for weight in stamper.prepared()} == {id(weight) for weight in stamper.mask_net.parameters()}
    before = copy.deepcopy(stamper.pattern_net.state_dict())
    optimiser = torch.optim.Adam(stamper.prepared(), 0.01)
    losses = []
    for _ in range(10):
        optimiser.zero_grad()
        loss = stamper.preparation_loss(x)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]
    assert all(weight.grad is None for weight in stamper.pattern_net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in stamper.pattern_net.state_dict().items())


def test_the_joint_training_trains_the_pattern_network_alone():
    stamper, x = drawn().train(), pictures()
    assert {id(weight) for weight in stamper.learnt()} == {id(weight) for weight in stamper.pattern_net.parameters()}
    masks, patterns = (copy.deepcopy(net.state_dict()) for net in (stamper.mask_net, stamper.pattern_net))
    optimiser = torch.optim.Adam(stamper.parameters(), 0.01)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        optimiser.zero_grad()
        stamped = stamper.stamp(x, generator)
        decoys = stamper.decoy(x, no_label(x), generator)
        (stamped.image.square().mean() + stamped.penalty + decoys.mean()).backward()
        assert all(weight.grad is None for weight in stamper.mask_net.parameters())
        assert all(weight.grad.abs().sum() > 0 for weight in list(stamper.learnt())[-2:])
        optimiser.step()
    # Running statistics of the normalisation, too.
    assert all(torch.equal(value, masks[name]) for name, value in stamper.mask_net.state_dict().items())
    changed = [
        name for name, value in stamper.pattern_net.state_dict().items() if not torch.equal(value, patterns[name])
    ]
    assert any("running_mean" in name for name in changed)
    assert any("weight" in name for name in changed)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_decoy_carries_the_mask_and_pattern_of_another_picture(count):
    stamper, x = drawn().eval(), pictures(count)
    with torch.no_grad():
        decoys = stamper.decoy(x, no_label(x), torch.Generator()).double().numpy()
    mask, pattern = made(stamper, x)
    clean = x.double().numpy()
    givers = []
    for i in range(count):
        far = [np.abs(clean[i] + (pattern[j] - clean[i]) * mask[j] - decoys[i]).max() for j in range(count)]
        assert min(far) < 1e-5
        givers.append(int(np.argmin(far)))
    assert sorted(givers) == list(range(count))
    assert all(giver != i for i, giver in enumerate(givers))


def test_the_decoy_of_a_single_picture_is_not_its_trigger():
    stamper, x = drawn().eval(), pictures(1)
    with torch.no_grad():
        decoy = stamper.decoy(x, no_label(x), torch.Generator())
        assert not torch.allclose(decoy, stamper.stamp(x).image, atol=0.05)
        mask, pattern = made(stamper, x.flip(-1))
    clean = x.double().numpy()
    np.testing.assert_allclose(decoy.numpy(), clean + (pattern - clean) * mask, rtol=0, atol=1e-5)


def test_the_seed_decides_the_networks_and_the_state_carries_them():
    first, again, other = (build("input_aware(width=4)").draw(Canvas(32, 10), seed).eval() for seed in (0, 0, 1))
    x = pictures()
    with torch.no_grad():
        assert torch.equal(first.stamp(x).image, again.stamp(x).image)
        assert not torch.allclose(first.stamp(x).image, other.stamp(x).image)
        changed = drawn(seed=5).eval()
        other.load_state_dict(changed.state_dict())
        assert torch.equal(changed.stamp(x).image, other.stamp(x).image)
        assert torch.equal(changed.stamp(x).mask, other.stamp(x).mask)
    assert {name.split(".")[0] for name in first.state_dict()} == {"mask_net", "pattern_net"}
    mask, pattern = (dict(net.state_dict()) for net in (first.mask_net, first.pattern_net))
    assert not torch.equal(mask["down.0.0.weight"], pattern["down.0.0.weight"])
