from dataclasses import replace

import pytest
import torch
from torch import nn

from peephole.attacks.loop import Loop
from peephole.attacks.poison import Poison, Shares
from peephole.attacks.predicting import predict
from peephole.attacks.recipe import Recipe, TriggerRecipe
from peephole.attacks.splits import in_order
from peephole.attacks.training import train
from peephole.errors import PeepholeError
from peephole.triggers.base import Canvas
from peephole.triggers.dynamic import Dynamic

RECIPE = Recipe(epochs=4, batch_size=24, learning_rate=0.05, crop_padding=1, flip=True)


def accuracy(model, split):
    return sum(int((predict(model, images) == labels).sum()) for images, labels in in_order(split)) / len(split)


def test_training_learns_and_leaves_the_network_in_eval_mode(coloured, network, cpu):
    split = coloured(240)
    model = train(network(), split, RECIPE, cpu, seed=0)
    assert not model.training
    assert accuracy(model, split) > 0.9


def test_a_seed_repeats_the_weights_and_another_does_not(coloured, network, cpu, same):
    split = coloured(96)
    first, again, other = (train(network(), split, RECIPE, cpu, seed=seed) for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)


def test_randomness_of_others_is_neither_used_nor_changed(coloured, network, cpu, same):
    first = train(network(), coloured(48), RECIPE, cpu, seed=1)
    model = network()
    torch.manual_seed(77)
    state = torch.random.get_rng_state()
    assert same(train(model, coloured(48), RECIPE, cpu, seed=1), first)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_learnt_trigger_repeats_too_and_learns(coloured, network, cpu, same):
    split, recipe = coloured(96), Recipe(3, 24, 0.05)
    stampers = [Dynamic("ban").draw(Canvas(16, 3), 5) for _ in range(3)]
    models = [
        train(
            network(),
            split,
            recipe,
            cpu,
            seed=4,
            poison=Poison.fresh(stamper, Shares(0.25), 24),
            trigger_recipe=TriggerRecipe(learning_rate=rate),
        )
        for stamper, rate in zip(stampers, (0.01, 0.01, 0.02), strict=True)
    ]
    assert same(models[0], models[1])
    assert same(stampers[0], stampers[1])
    assert not same(stampers[0], stampers[2])
    assert not same(stampers[0], Dynamic("ban").draw(Canvas(16, 3), 5))
    assert not stampers[0].training
    assert not any(weight.requires_grad for weight in stampers[0].parameters())


def test_each_epoch_is_a_permutation_and_all_batches_are_full(coloured, cpu):
    batches = Loop(coloured(10), Recipe(1, 4, 0.1), 8, cpu, "train", 3, None)._batches()
    assert [len(batch) for batch in batches] == [4] * 8
    seen = torch.cat(batches)
    for epoch in range(3):
        assert sorted(seen[10 * epoch : 10 * epoch + 10].tolist()) == list(range(10))


def test_progress_ends_at_one(coloured, network, cpu):
    shares = []
    train(network(), coloured(48), Recipe(2, 24, 0.01), replace(cpu, report=shares.append), seed=0)
    assert shares == [0.25, 0.5, 0.75, 1.0]


def test_parts_of_a_trainer_report_their_part(cpu):
    shares = []
    part = replace(cpu, report=shares.append).part(0.5, 1).part(0, 0.5)
    part.report(0.0)
    part.report(1.0)
    assert shares == [0.5, 0.75]


def test_half_precision_leaves_finite_weights_in_single_precision(coloured, network, cpu, capfd):
    split = coloured(240)
    model = train(network(), split, RECIPE, replace(cpu, precision="bf16-mixed"), seed=0)
    assert all(value.dtype == torch.float32 for value in model.parameters())
    assert all(bool(value.isfinite().all()) for value in model.parameters())
    assert accuracy(model, split) > 0.9
    assert capfd.readouterr() == ("", "")


def test_divergence_is_one_clear_line(coloured, network, cpu):
    with pytest.raises(PeepholeError, match=r"the loss is nan; use a lower learning rate than 1e\+06\.") as error:
        train(network(plain=True), coloured(48), Recipe(20, 12, 1e6), cpu, seed=0)
    assert "\n" not in str(error.value)


class Small(nn.Module):
    """A network on a device that holds ``room`` pictures."""

    def __init__(self, room):
        super().__init__()
        self.linear = nn.Linear(3 * 16 * 16, 3)
        self.room = room

    def forward(self, x):
        if len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.linear(x.flatten(1))


@pytest.mark.parametrize(
    ("room", "words"),
    [
        (24, None),
        (23, "one of 12 does; use --train-batch 12."),
        (5, "one of 3 does; use --train-batch 3."),
        (1, "one of 1 does; use --train-batch 1."),
        (0, "not even one picture."),
    ],
)
def test_a_batch_that_does_not_fit_is_halved_until_it_does(room, words, coloured, cpu):
    def attempt():
        return train(Small(room), coloured(48), Recipe(1, 24, 0.01), cpu, seed=0)

    if words is None:
        attempt()
        return
    with pytest.raises(PeepholeError, match="a batch of 24 pictures does not fit in the memory of cpu, " + words):
        attempt()


def test_a_scheduler_of_a_cluster_is_not_asked(coloured, network, cpu, monkeypatch):
    for name, value in {"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "run", "SLURM_JOB_ID": "1"}.items():
        monkeypatch.setenv(name, value)
    train(network(), coloured(24), Recipe(1, 24, 0.01), cpu, seed=0)
