"""Likeness of neurons by loops, and verdicts on planted layers."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from peephole.attributions.classifier import Classifier, Normalise
from peephole.claims.base import CLAIMS
from peephole.claims.neurons import Neurons, cosine_of_independent, likeness, neurons_of, variation_of_normal
from peephole.leaderboard.verdict import Verdict


def test_likeness_by_loops():
    vectors = np.random.default_rng(0).standard_normal((5, 7))
    cosines, lengths = [], [math.sqrt(sum(value * value for value in row)) for row in vectors]
    for i in range(5):
        for j in range(5):
            if i != j:
                product = sum(a * b for a, b in zip(vectors[i], vectors[j], strict=True))
                cosines.append(abs(product) / lengths[i] / lengths[j])
    mean = sum(lengths) / 5
    variation = math.sqrt(sum((length - mean) ** 2 for length in lengths) / 5) / mean
    assert likeness(vectors) == pytest.approx((sum(cosines) / 20, variation))
    assert likeness(np.zeros((3, 2))) == (0, 0)


def test_closed_forms():
    generator = np.random.default_rng(1)
    for size in (3, 27, 144):
        one, other = generator.standard_normal((2, 20_000, size))
        lengths = np.linalg.norm(one, axis=1)
        cosine = np.abs((one * other).sum(1) / lengths / np.linalg.norm(other, axis=1)).mean()
        assert cosine_of_independent(np.array([size]))[0] == pytest.approx(cosine, rel=0.03)
        assert variation_of_normal(np.array([size]))[0] == pytest.approx(lengths.std() / lengths.mean(), rel=0.03)
    assert cosine_of_independent(np.array([1000]))[0] == pytest.approx(math.sqrt(2 / math.pi / 1000), rel=0.01)


def test_batch_normalisation_is_folded_in():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
    model[1].weight.data = torch.tensor([1.0, 2.0, 3.0, 4.0])
    model[1].running_var.data = torch.tensor([1.0, 4.0, 1.0, 0.25])
    model = Classifier(Normalise((0.5,) * 3, (0.5,) * 3), model).eval().requires_grad_(False)
    found = neurons_of(model, 8)
    scale = (model.network[1].weight / (model.network[1].running_var + 1e-5).sqrt()).double()
    vectors = model.network[0].weight.double().flatten(1) * scale[:, None]
    assert found.layers == ("0", "4")
    assert found.sizes.tolist() == [27, 144]
    assert (found.cosine[0], found.variation[0]) == pytest.approx(likeness(vectors.numpy()), rel=1e-5)


def planted(cosine, variation):
    sizes = np.full(6, 100)
    wave = 0.01 * np.sin(np.arange(6))
    return Neurons(tuple("abcdef"), sizes, cosine + wave, variation + wave)


@pytest.mark.parametrize(
    ("trained", "random", "verdict"),
    [((0.3, 0.4), (0.05, 0.05), Verdict.HOLDS), ((0.1, 0.1), (0.2, 0.2), Verdict.FAILS)],
)
def test_verdicts_follow_what_is_planted(trained, random, verdict):
    claim = CLAIMS["neuron_weights"]()
    found = claim.judged([(planted(*trained), planted(*random)) for _ in range(2)])
    assert {one.criterion.verdict(found[one.name].low, found[one.name].high) for one in claim.expectations} == {verdict}
    assert found["more_alike_trained"].value == pytest.approx(trained[0] - random[0])
    assert found["more_alike_trained"].of == "layers of 2 networks"
