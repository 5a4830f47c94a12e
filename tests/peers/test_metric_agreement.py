"""Where other libraries compute the same number as one of our metrics, it is the same number."""

import warnings

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

from peephole.leaderboard.base import METRICS, Probes
from peephole.leaderboard.known_probes import noise, varied_probes

COUNT = 6


@pytest.fixture(scope="module")
def quantus():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("quantus")


@pytest.fixture(scope="module")
def masked() -> Probes:
    return varied_probes("mask", 1, COUNT)


def test_relevance_mass_accuracy_of_quantus_is_the_mass_share_of_positive_maps(quantus, masked):
    maps = noise(masked, 0) + 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metric = quantus.RelevanceMassAccuracy(abs=False, normalise=False, disable_warnings=True)
        theirs = metric(
            model=None,
            x_batch=masked.image.numpy(),
            y_batch=masked.target[:, 0].numpy(),
            a_batch=maps.numpy(),
            s_batch=masked.mask.numpy(),
        )
    ours = METRICS["fine_grained"]().score(maps, masked).value
    assert ours.tolist() == pytest.approx(list(theirs), abs=1e-12)


def test_relevance_mass_accuracy_of_quantus_is_no_share_of_signed_maps(quantus, masked):
    maps = noise(masked, 0) - 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metric = quantus.RelevanceMassAccuracy(abs=False, normalise=False, disable_warnings=True)
        theirs = metric(
            model=None,
            x_batch=masked.image.numpy(),
            y_batch=masked.target[:, 0].numpy(),
            a_batch=maps.numpy(),
            s_batch=masked.mask.numpy(),
        )
    ours = METRICS["fine_grained"]().score(maps, masked).value
    assert min(theirs) < 0
    assert ((ours >= 0) & (ours <= 1)).all()


@pytest.mark.parametrize("levels", [10**9, 40, 5, 2])
def test_average_precision_of_scikit_learn_is_truth_auprc_with_ties_and_without(masked, levels):
    maps = (noise(masked, 1) * levels).floor() + 1
    assert (maps[0].unique().numel() == maps[0].numel()) == (levels == 10**9)
    ours = METRICS["truth_auprc"]().score(maps, masked).value
    pairs = zip(masked.mask.flatten(1).numpy(), maps.flatten(1).numpy(), strict=True)
    assert ours.tolist() == pytest.approx([average_precision_score(mask, one) for mask, one in pairs], abs=1e-12)


@pytest.mark.parametrize("levels", [10**9, 40, 2])
def test_spearmanr_of_scipy_is_truth_spearman(levels):
    probes = varied_probes("soft", 1, COUNT)
    maps = (noise(probes, 2) * levels).floor()
    ours = METRICS["truth_spearman"]().score(maps, probes).value
    pairs = zip(probes.soft.flatten(1).numpy(), maps.flatten(1).numpy(), strict=True)
    assert ours.tolist() == pytest.approx([float(spearmanr(*pair).statistic) for pair in pairs], abs=1e-12)


@pytest.mark.parametrize("name", ["sanity_top_down", "sanity_bottom_up", "sanity_independent"])
@pytest.mark.parametrize("levels", [10**9, 9])
def test_spearmanr_of_scipy_is_what_the_sanity_checks_take_the_mean_size_of(masked, name, levels):
    signed = [((noise(masked, stream) - 0.5) * levels).round() for stream in range(5)]
    ours = METRICS[name]().compare(signed[0], torch.stack(signed[1:]), masked).value
    for n in range(COUNT):
        theirs = [spearmanr(signed[0][n].flatten(), other[n].flatten()).statistic for other in signed[1:]]
        assert ours[n].item() == pytest.approx(float(np.abs(theirs).mean()), abs=1e-12)


def test_randomised_correlation_of_quantus_is_that_of_one_network(quantus, masked):
    first, second = noise(masked, 0) - 0.5, noise(masked, 1) - 0.5
    ours = METRICS["sanity_top_down"]().compare(first, second.unsqueeze(0), masked).value
    similar = quantus.similarity_func.correlation_spearman
    theirs = [
        abs(similar(one.flatten().numpy(), other.flatten().numpy())) for one, other in zip(first, second, strict=True)
    ]
    assert ours.tolist() == pytest.approx(theirs, abs=1e-12)
