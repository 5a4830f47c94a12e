import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from peephole.attacks.optimisers import adam, sgd
from peephole.attacks.recipe import Recipe, TriggerRecipe
from peephole.attacks.schedules import SCHEDULES
from peephole.attacks.training import train

STEPS = st.integers(1, 400)


@given(STEPS)
def test_one_cycle_goes_up_a_quarter_of_the_way_and_down_the_rest(steps):
    top = max(1, round(steps / 4))
    up = [(step + 1) / top for step in range(top)]
    down = [1 - (step + 1) / (steps - top + 1) for step in range(steps - top)]
    values = [SCHEDULES["one_cycle"](step, steps) for step in range(steps)]
    assert values == pytest.approx([*up, *down])
    assert max(values) == 1
    assert min(values) > 0


@given(STEPS)
def test_cosine_is_half_a_wave(steps):
    values = [SCHEDULES["cosine"](step, steps) for step in range(steps)]
    assert values == pytest.approx([math.cos(math.pi * step / steps / 2) ** 2 for step in range(steps)])
    assert min(values) > 0


@given(STEPS)
def test_constant_stays(steps):
    assert {SCHEDULES["constant"](step, steps) for step in range(steps)} == {1.0}


@given(STEPS, st.sampled_from(sorted(SCHEDULES)))
def test_the_step_after_the_last_is_defined(steps, name):
    """Schedulers of torch ask for it."""
    assert 0 <= SCHEDULES[name](steps, steps) <= 1


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_a_training_steps_along_its_schedule(name, coloured, network, cpu, monkeypatch):
    rates = []

    def spying(net, recipe):
        optimiser = sgd(net, recipe)
        optimiser.register_step_pre_hook(lambda used, *_: rates.append([group["lr"] for group in used.param_groups]))
        return optimiser

    monkeypatch.setattr("peephole.attacks.training.sgd", spying)
    train(network(), coloured(48), Recipe(2, 12, 0.5, schedule=name), cpu, seed=0)
    assert rates == [pytest.approx([0.5 * SCHEDULES[name](step, 8)] * 2) for step in range(8)]


def test_biases_and_norms_are_free_of_weight_decay(network):
    groups = sgd(network(), Recipe(1, 1, 0.1, weight_decay=0.25)).param_groups
    decays = {weight.ndim: group["weight_decay"] for group in groups for weight in group["params"]}
    assert decays == {4: 0.25, 2: 0.25, 1: 0.0}
    assert all(group["nesterov"] for group in groups)
    assert not any(group["nesterov"] for group in sgd(network(), Recipe(1, 1, 0.1, momentum=0)).param_groups)


def test_triggers_learn_by_adam_as_published(network):
    (group,) = adam([torch.nn.Parameter(torch.zeros(2))], TriggerRecipe(learning_rate=0.02)).param_groups
    assert group["betas"] == (0.5, 0.9)
    assert group["lr"] == 0.02


@pytest.mark.parametrize(("epochs", "steps"), [(1, 8), (0.25, 2), (0.0001, 1), (2, 16), (0.3, 3)])
def test_epochs_may_be_fractions(epochs, steps):
    assert Recipe(epochs, 32, 0.1).steps(256) == steps
