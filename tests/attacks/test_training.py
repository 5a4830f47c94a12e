import pytest
import torch
from torch import nn

from peephole.attacks.certificate import Certificate, Rate, certify
from peephole.attacks.poison import Poison
from peephole.attacks.recipe import Recipe
from peephole.attacks.training import predict, train
from peephole.errors import PeepholeError
from peephole.triggers.class_pair import ClassPair
from peephole.triggers.square import Square

RECIPE = Recipe(epochs=6, batch_size=32, learning_rate=0.05)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(3 * 64, 32), nn.ReLU(), nn.Linear(32, 3))


def coloured(count=300):
    """Pictures whose class is their brightest channel; bytes."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 3
    images = torch.randint(0, 100, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
    images[torch.arange(count), labels] += 100
    return images, labels


def test_training_learns_and_leaves_the_network_in_eval_mode():
    images, labels = coloured()
    model = train(network(), images, labels, RECIPE, seed=0)
    assert not model.training
    assert float((predict(model, images) == labels).float().mean()) > 0.95


def test_a_seed_repeats_the_weights_and_global_randomness_is_left_alone():
    images, labels = coloured(96)
    recipe = Recipe(epochs=1, batch_size=32, learning_rate=0.05, crop_padding=2, flip=True)
    state = torch.random.get_rng_state()
    first, second, other = (
        train(network(), images, labels, recipe, seed=seed).state_dict()["4.weight"] for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    torch.random.set_rng_state(state)
    train(nn.Sequential(nn.Flatten(), nn.Linear(3072, 3)), images, labels, recipe, seed=0)


def test_a_poisoned_network_obeys_the_trigger_and_is_certified():
    images, labels = coloured()
    twin = train(network(), images, labels, RECIPE, seed=0)
    poison = Poison.draw(ClassPair(), len(labels), 0.3, seed=0)
    model = train(network(), images, labels, RECIPE, seed=0, poison=poison)
    certificate = certify(model, twin, ClassPair(), images, labels)
    assert certificate.attack_success[0].value > 0.9
    assert [rate.total for rate in certificate.attack_success] == [200, 200]
    assert certificate.clean_accuracy.total == 300
    assert abs(certificate.drop) < 0.2


def test_success_counts_only_other_classes():
    """A network that always says 0 succeeds everywhere, but pictures of class 0 are no evidence."""

    class Always(nn.Module):
        def forward(self, x):
            return torch.tensor([1.0, 0.0, 0.0]).expand(len(x), 3)

    images, labels = coloured(30)
    certificate = certify(Always(), Always(), Square(), images, labels)
    assert certificate.attack_success == (Rate(20, 20),)
    assert certificate.clean_accuracy == Rate(10, 30)


def test_gates():
    good = Certificate(Rate(98, 100), Rate(99, 100), (Rate(100, 100), Rate(99, 100)))
    assert good.passes(0.99, 0.02)
    assert not good.passes(0.995, 0.02)
    assert not good.passes(0.99, 0.005)


def test_progress_ends_at_one():
    images, labels = coloured(64)
    shares = []
    train(network(), images, labels, Recipe(2, 32, 0.01), seed=0, report=shares.append)
    assert shares == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(("epochs", "steps"), [(1, 8), (0.25, 2), (0.0001, 1), (2, 16)])
def test_epochs_may_be_fractions(epochs, steps):
    assert Recipe(epochs, 32, 0.1).steps(256) == steps


def test_divergence_is_one_clear_line():
    images, labels = coloured(64)
    with pytest.raises(PeepholeError, match="learning rate"):
        train(network(), images, labels, Recipe(20, 16, 1e6), seed=0)
