"""Two processes on the processor stand for two GPUs."""

import multiprocessing
import os
import signal
import time
from dataclasses import replace

import pytest
import torch
from torch import nn

from peephole.attacks.poison import Poison, Shares
from peephole.attacks.recipe import Recipe, TriggerRecipe
from peephole.attacks.training import prepare, train
from peephole.errors import PeepholeError
from peephole.triggers.base import Canvas
from peephole.triggers.dynamic import Dynamic
from peephole.triggers.input_aware import InputAware

RECIPE = Recipe(2, 12, 0.05)


@pytest.fixture
def two(cpu, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "error")  # in the other processes, too
    return replace(cpu, devices=2)


def test_two_processes_do_what_one_does(coloured, network, cpu, two, capfd):
    """Without anything random the halves of a batch are a batch. Progress of both is reported here, and no more."""
    shares = []
    alone = train(network(plain=True), coloured(48), RECIPE, cpu, seed=1)
    trainer = replace(two, report=lambda share: shares.append(share))
    together = train(network(plain=True), coloured(48), RECIPE, trainer, seed=1)
    assert not together.training
    for one, other in zip(alone.parameters(), together.parameters(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-6)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert "MASTER_PORT" not in os.environ
    assert capfd.readouterr() == ("", "")


def test_a_batch_for_each_device_is_needed(coloured, network, two):
    with pytest.raises(PeepholeError, match="a batch of 1 pictures cannot be shared by 2 devices"):
        train(network(), coloured(48), Recipe(1, 1, 0.05), two, seed=1)


@pytest.mark.slow
def test_triggers_learn_on_two_devices(coloured, network, two, same, capfd):
    """Small batches of a low rate: in many of them one process has nothing poisoned, or none has."""
    split = coloured(48)
    stampers = [Dynamic("ban").draw(Canvas(16, 3), 0) for _ in range(3)]
    for stamper in stampers[:2]:
        poison = Poison.fixed(stamper, Shares(0.1), len(split), 0)
        train(network(), split, RECIPE, two, seed=1, poison=poison, trigger_recipe=TriggerRecipe())
    assert same(stampers[0], stampers[1])
    assert not same(stampers[0], stampers[2])
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_masks_are_prepared_on_two_devices(coloured, two, same, capfd):
    stamper, fresh = (InputAware(width=2).draw(Canvas(16, 3), 0) for _ in range(2))
    poison = Poison.fresh(stamper, Shares(0.5), 6)
    prepare(poison, coloured(24), Recipe(1, 12, 0.05), TriggerRecipe(epochs=1), two, seed=1)
    assert not same(stamper.mask_net, fresh.mask_net)
    assert same(stamper.pattern_net, fresh.pattern_net)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_divergence_on_two_devices_is_the_same_line(coloured, network, two):
    with pytest.raises(PeepholeError, match=r"the loss is nan; use a lower learning rate than 1e\+06\.") as error:
        train(network(plain=True), coloured(48), Recipe(10, 12, 1e6), two, seed=0)
    assert "\n" not in str(error.value)
    assert not multiprocessing.active_children()


LONG = Recipe(75, 12, 0.01)
"""300 steps."""


@pytest.mark.slow
def test_a_signal_stops_both_at_a_step_from_which_they_go_on(coloured, network, two, same, tmp_path):
    trainer = replace(two, folder=tmp_path, name="task")
    seen = []

    def report(share):
        seen.append(share)
        if share > 0 and sum(one > 0 for one in seen) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(network(), coloured(48), LONG, replace(trainer, report=report), seed=1)
    step = round(seen[-1] * 300)
    assert 0 < step < 300
    assert step % 10 == 0
    resumed = train(network(), coloured(48), LONG, trainer, seed=1)
    assert same(resumed, train(network(), coloured(48), LONG, two, seed=1))


@pytest.mark.slow
def test_a_second_signal_ends_all_at_once(coloured, two, tmp_path):
    """Ten steps, after which the first one would have been obeyed, would take many seconds."""
    wide = [nn.Conv2d(3, 64, 3, padding=1), *(nn.Conv2d(64, 64, 3, padding=1) for _ in range(3))]
    seen = []

    def report(share):
        if share > 0 and not seen:
            seen.append(time.monotonic())
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.3)

    trainer = replace(two, folder=tmp_path, name="task", report=report)
    with pytest.raises(KeyboardInterrupt):
        train(
            nn.Sequential(*wide, nn.Flatten(), nn.Linear(64 * 256, 3)),
            coloured(480),
            Recipe(9, 480, 0),
            trainer,
            seed=0,
        )
    assert time.monotonic() - seen[0] < 3
    assert not list(tmp_path.iterdir())
    for process in multiprocessing.active_children():
        process.join(10)
    assert not multiprocessing.active_children()
