"""Weights that are drawn, and weights that are removed."""

import numpy as np
import pytest
import torch
from torch import nn

from peephole.attributions.randomised import randomised, stages
from peephole.attributions.weight_distributions import DISTRIBUTIONS, draw_weights, removed, upper_half
from peephole.errors import PeepholeError
from peephole.models import named

SIZE = (3, 32, 32)


def network(seed=0):
    torch.manual_seed(seed)
    return named.build("resnet8", 10, 32).eval().requires_grad_(False)


def test_normal_weights_are_those_of_randomising_every_stage():
    expected = randomised(network(), stages(network(), SIZE), 5, SIZE).state_dict()
    drawn = network(1)
    draw_weights(drawn, "normal", 5)
    for name, tensor in drawn.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_all_have_the_variance_of_he_and_no_biases(distribution):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(8, 64, 3), nn.Flatten(), nn.Linear(64, 40))
    draw_weights(model, distribution, 1)
    for module in (model[0], model[2]):
        rows = module.weight.detach().double().flatten(1).numpy()
        assert rows.var() * rows.shape[1] / 2 == pytest.approx(1, abs=0.1)
        assert abs(rows.mean()) < 4 * (2 / rows.shape[1]) ** 0.5 / rows.size**0.5
        assert not module.bias.any()
        lengths = np.sqrt((rows**2).sum(1))
        assert (lengths.std() / lengths.mean() < 1e-6) == (distribution == "ring")
        peak = np.abs(rows).max() * (rows.shape[1] / 2) ** 0.5
        assert (peak <= 3**0.5 + 1e-6) == (distribution == "uniform")
        if distribution == "uniform":  # quarters of the interval have a quarter each
            counts, _ = np.histogram(rows * (rows.shape[1] / 6) ** 0.5, bins=4, range=(-1, 1))
            assert counts / rows.size == pytest.approx(np.full(4, 0.25), abs=0.04)


def test_seeds_and_distributions_differ_and_repeat():
    found = {}
    for distribution in DISTRIBUTIONS:
        for seed in (0, 1):
            model = network()
            draw_weights(model, distribution, seed)
            again = network(3)
            draw_weights(again, distribution, seed)
            weight = model.fc.weight
            assert torch.equal(weight, again.fc.weight)
            found[distribution, seed] = tuple(weight.flatten().tolist())
    assert len(set(found.values())) == 6


def test_removal_keeps_a_row_and_a_column_and_a_few_inputs():
    model = network()
    which = upper_half(model, SIZE)
    names = stages(model, SIZE)
    assert which == names[2:]
    lost = removed(model, which, 0, SIZE)
    for (name, module), (_, before) in zip(lost.named_modules(), model.named_modules(), strict=True):
        upper = name.startswith(("layer2", "layer3", "fc"))
        if isinstance(module, nn.Conv2d):
            expected = before.weight.clone()
            for row in range(expected.shape[2]):
                for column in range(expected.shape[3]):
                    if upper and row and column:
                        expected[:, :, row, column] = 0
            assert torch.equal(module.weight, expected), name
        elif isinstance(module, nn.Linear):
            kept = module.weight.abs().sum(0) > 0
            assert int(kept.sum()) == max(1, round(0.0025 * module.in_features))
            assert torch.equal(module.weight[:, kept], before.weight[:, kept])
        elif isinstance(module, nn.BatchNorm2d):
            assert torch.equal(module.weight, before.weight)
    assert not torch.equal(removed(model, which, 1, SIZE).fc.weight, lost.fc.weight)


def test_a_stage_that_is_not_there_is_refused():
    with pytest.raises(PeepholeError, match="no stage 'nose'"):
        removed(network(), ["nose"], 0, SIZE)
