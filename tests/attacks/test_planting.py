"""Both attacks with every trigger, and what training on parts of the trigger is for."""

import math
from dataclasses import replace

import pytest
import torch

from peephole.attacks.base import ATTACKS, AttackData
from peephole.attacks.fine_tuning import FineTuning
from peephole.attacks.poison import Poison, Shares
from peephole.attacks.recipe import Recipe, TriggerRecipe
from peephole.attacks.training import prepare, train
from peephole.attacks.training_control import TrainingControl
from peephole.errors import PeepholeError
from peephole.triggers.base import TRIGGERS, Canvas
from peephole.triggers.dynamic import Dynamic
from peephole.triggers.input_aware import InputAware
from peephole.triggers.square import Square

RECIPE = Recipe(1, 12, 0.02)
SMALL = {"input_aware": {"width": 2}}
KINDS = [Dynamic("ban"), Dynamic("cban")]
KNOWN = [*(TRIGGERS[name](**SMALL.get(name, {})) for name in TRIGGERS), *KINDS]


def drawn(trigger):
    return trigger.draw(Canvas(16, 3), 0)


@pytest.mark.parametrize("trigger", KNOWN, ids=str)
@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_every_attack_plants_every_trigger(attack, trigger, coloured, network, cpu, same):
    clean, twin, stamper = network(), network(), drawn(trigger)
    data = AttackData(coloured(48), coloured(15))
    shares = []
    planted = ATTACKS[attack]().plant(
        clean,
        twin,
        stamper,
        data,
        RECIPE,
        TriggerRecipe(epochs=0.5),
        Shares(0.25, 0.25),
        seed=0,
        trainer=replace(cpu, report=shares.append),
    )
    assert same(clean, network())
    assert same(twin, network())
    assert not same(planted.network, clean)
    assert not planted.network.training
    assert not any(module.training for module in planted.stamper.modules())
    assert not any(weight.requires_grad for weight in planted.stamper.parameters())
    assert shares[-1] == pytest.approx(1)
    certificate = planted.certificate
    assert certificate.clean_accuracy.total == certificate.cross_accuracy.total == 15
    assert [success.target for success in certificate.successes] == list(trigger.targets(3))
    assert [success.rate.total for success in certificate.successes] == [10] * len(trigger.targets(3))
    assert 0 <= certificate.coverage <= 1
    assert math.isfinite(certificate.change)
    assert all(math.isfinite(fact) for fact in certificate.trigger.values())
    assert all(value.isfinite().all() for value in planted.network.state_dict().values())


def test_masks_are_trained_beforehand_and_only_then(coloured, network, cpu, same):
    """The mask network stays as it was prepared; the pattern network learns with the model."""
    recipe, trigger_recipe, shares = RECIPE, TriggerRecipe(epochs=1), Shares(0.25, 0.25)
    first, prepared, planted = (drawn(InputAware(width=2)) for _ in range(3))
    prepare(Poison.fresh(prepared, shares, 12), coloured(48), recipe, trigger_recipe, cpu, seed=0)
    data = AttackData(coloured(48), coloured(15))
    clean = network()
    TrainingControl().plant(clean, clean, planted, data, recipe, trigger_recipe, shares, seed=0, trainer=cpu)
    assert not same(prepared.mask_net, first.mask_net)
    assert same(prepared.pattern_net, first.pattern_net)
    assert same(planted.mask_net, prepared.mask_net)
    assert not same(planted.pattern_net, first.pattern_net)


def test_without_epochs_nothing_is_prepared(coloured, cpu, same):
    stamper = drawn(InputAware(width=2))
    prepare(Poison.fresh(stamper, Shares(0.25), 12), coloured(12), RECIPE, TriggerRecipe(), cpu, seed=0)
    assert same(stamper.mask_net, drawn(InputAware(width=2)).mask_net)
    assert not any(weight.requires_grad for weight in stamper.mask_net.parameters())


def test_a_batch_that_cannot_be_poisoned_is_refused_before_anything_is_trained(coloured, network, cpu):
    data, clean = AttackData(coloured(48), coloured(15)), network()
    with pytest.raises(PeepholeError, match="poisons none of them"):
        TrainingControl().plant(
            clean, clean, drawn(Square()), data, RECIPE, TriggerRecipe(), Shares(0.01), seed=0, trainer=cpu
        )


def test_parts_of_the_trigger_as_negatives_make_all_of_it_needed(coloured, network, cpu):
    """Without them half a square does; with them the model wants the square."""
    data, recipe = AttackData(coloured(600), coloured(300)), Recipe(6, 20, 0.02)
    clean = train(network(plain=True), data.train, recipe, cpu, seed=0)
    alone, with_negatives = (
        FineTuning().plant(
            clean, clean, drawn(Square()), data, recipe, TriggerRecipe(), Shares(0.2, negatives), seed=0, trainer=cpu
        )
        for negatives in (0.0, 0.4)
    )
    for planted in (alone, with_negatives):
        assert planted.certificate.weakest.value > 0.9
        assert planted.certificate.clean_accuracy.value > 0.9
    without, needed = (planted.certificate.successes[0].necessity.value for planted in (alone, with_negatives))
    assert without < 0.3
    assert needed > 0.8
    assert with_negatives.certificate.cross_accuracy.value > alone.certificate.cross_accuracy.value


def test_randomness_of_others_is_neither_used_nor_changed_by_an_attack(coloured, network, cpu):
    data, clean = AttackData(coloured(48), coloured(15)), network()
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = torch.random.get_rng_state()
        results.append(
            TrainingControl().plant(
                clean, clean, drawn(Dynamic()), data, RECIPE, TriggerRecipe(), Shares(0.25), seed=0, trainer=cpu
            )
        )
        assert torch.equal(torch.random.get_rng_state(), state)
    assert results[0].certificate == results[1].certificate
