import pytest
import torch
from torch import nn

from peephole.attributions.classifier import Classifier, Normalise
from peephole.errors import PeepholeError


def test_normalise_works_channel_by_channel():
    x = torch.rand(2, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    found = Normalise((0.5, 0.25), (0.5, 2.0))(x)
    assert torch.equal(found[:, 0], (x[:, 0] - 0.5) / 0.5)
    assert torch.equal(found[:, 1], (x[:, 1] - 0.25) / 2.0)


def test_normalisation_is_state_but_no_parameter():
    normalise = Normalise((0.5,), (0.5,))
    assert list(normalise.state_dict()) == ["mean", "std"]
    assert not list(normalise.parameters())


@pytest.mark.parametrize(("mean", "std"), [((0.5,), (0.5, 0.5)), ((0.5,), (0.0,)), ((0.5,), (-1.0,))])
def test_numbers_that_are_no_normalisation_are_refused(mean, std):
    with pytest.raises(PeepholeError, match="one positive standard deviation"):
        Normalise(mean, std)


def test_classifier_gives_the_network_normalised_pictures():
    x = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    classifier = Classifier(Normalise((0.5,) * 3, (0.5,) * 3), nn.Flatten())
    assert torch.equal(classifier(x), (2 * x - 1).flatten(1))
