"""A training that is stopped and goes on ends where an undisturbed one does, bit by bit."""

import signal
from dataclasses import replace

import pytest
import torch
from torch import nn

from peephole.attacks.base import AttackData
from peephole.attacks.checkpoint import Checkpoint
from peephole.attacks.poison import Poison, Shares
from peephole.attacks.recipe import Recipe, TriggerRecipe
from peephole.attacks.training import train
from peephole.attacks.training_control import TrainingControl
from peephole.errors import PeepholeError
from peephole.triggers.base import Canvas
from peephole.triggers.dynamic import Dynamic
from peephole.triggers.input_aware import InputAware

RECIPE = Recipe(2, 12, 0.05, crop_padding=1, flip=True)
STEPS = 8


@pytest.fixture
def learn(coloured, network, cpu, tmp_path):
    """Train with a learnt trigger, stopped after some steps by Ctrl-C; the network, the trigger, the last state."""

    def run(name, stops=()):
        stops = list(stops)
        trainer = replace(cpu, folder=tmp_path, name=name)

        def report(share):
            if stops and round(share * STEPS) == stops[0]:
                stops.pop(0)
                signal.raise_signal(signal.SIGINT)

        while True:
            model, stamper = network(), Dynamic("ban").draw(Canvas(16, 3), 0)
            poison = Poison.fresh(stamper, Shares(0.25, 0.25), 12)
            left = len(stops)
            try:
                train(model, coloured(48), RECIPE, replace(trainer, report=report), seed=3, poison=poison)
            except KeyboardInterrupt:
                assert len(stops) == left - 1
                continue
            return model, stamper

    return run


@pytest.mark.parametrize("stops", [*([step] for step in range(1, STEPS + 1)), [1, 2, 6], list(range(1, STEPS + 1))])
def test_weights_are_those_of_a_training_that_was_never_stopped(stops, learn, same):
    model, stamper = learn("stopped", stops)
    undisturbed, its_stamper = learn("undisturbed")
    assert same(model, undisturbed)
    assert same(stamper, its_stamper)


def flat(value):
    if isinstance(value, dict):
        return [leaf for key in sorted(value, key=str) for leaf in flat(value[key])]
    if isinstance(value, (list, tuple)):
        return [leaf for each in value for leaf in flat(each)]
    return [value]


def test_optimisers_and_schedules_are_restored_too(learn, tmp_path):
    learn("often", [1, 3, 4, STEPS])
    learn("once", [STEPS])
    often, once = (flat(Checkpoint(tmp_path / f"{name}-train.pt").load()) for name in ("often", "once"))
    assert len(often) == len(once) > 50
    assert all(torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in zip(often, once, strict=True))


@pytest.mark.parametrize("damage", [lambda raw: raw[:-1], lambda raw: b"", lambda raw: b"rubbish", "flip"])
def test_a_damaged_checkpoint_is_ignored(damage, learn, same, tmp_path):
    learn("damaged", [STEPS])
    path = tmp_path / "damaged-train.pt"
    whole = path.read_bytes()
    if damage == "flip":
        path.write_bytes(whole[:1500] + bytes([whole[1500] ^ 1]) + whole[1501:])
    else:
        path.write_bytes(damage(whole))
    assert Checkpoint(path).load() is None
    assert same(learn("damaged")[0], learn("undisturbed")[0])


def test_any_flipped_bit_is_found(tmp_path):
    """PyTorch itself loads other numbers from such a file without a word."""
    checkpoint = Checkpoint(tmp_path / "state.pt")
    checkpoint.save({"step": 1, "weights": torch.rand(3, 4)})
    raw = checkpoint.path.read_bytes()
    for place in range(0, len(raw), 7):
        checkpoint.path.write_bytes(raw[:place] + bytes([raw[place] ^ 4]) + raw[place + 1 :])
        assert checkpoint.load() is None
    checkpoint.path.write_bytes(raw)
    assert checkpoint.load()["step"] == 1
    checkpoint.discard()
    checkpoint.discard()
    assert checkpoint.load() is None


def test_a_checkpoint_of_another_network_is_refused_in_one_line(learn, cpu, coloured, tmp_path):
    """Checkpoints are named by the digest of what is trained, so somebody must have moved a file."""
    learn("moved", [2])
    trainer = replace(cpu, folder=tmp_path, name="moved")
    other = nn.Sequential(nn.Flatten(), nn.Linear(768, 3))
    with pytest.raises(PeepholeError, match=r"moved-train\.pt is not one of this training; remove it") as error:
        train(other, coloured(48), RECIPE, trainer, seed=3)
    assert "\n" not in str(error.value)


def test_checkpoints_are_saved_from_time_to_time(coloured, network, cpu, same, tmp_path, monkeypatch):
    """After a crash, which waits for nothing, the training goes on from the last one."""
    clock, saved = [0.0], []
    monkeypatch.setattr("peephole.attacks.loop.time.monotonic", lambda: clock[0])
    save = Checkpoint.save
    monkeypatch.setattr(Checkpoint, "save", lambda self, state: (saved.append(state["step"]), save(self, state)))

    def crash(share):
        clock[0] += 50
        if share == 7 / STEPS:
            raise MemoryError

    trainer = replace(cpu, folder=tmp_path, name="crashing")
    with pytest.raises(MemoryError):
        train(network(), coloured(48), RECIPE, replace(trainer, report=crash), seed=3)
    assert saved == [3, 6]
    seen = []
    model = train(network(), coloured(48), RECIPE, replace(trainer, report=seen.append), seed=3)
    assert seen == [7 / STEPS, 1]
    assert same(model, train(network(), coloured(48), RECIPE, cpu, seed=3))


def test_without_a_folder_nothing_is_written(coloured, network, cpu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trainer = replace(cpu, name="lost", report=lambda share: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        train(network(), coloured(48), RECIPE, trainer, seed=3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stop", [1, 4, 5, 9, 12])
def test_an_attack_goes_on_from_its_preparation_too(stop, coloured, network, cpu, same, tmp_path):
    """InputAware: four steps for the masks, then eight for the patterns and the model."""
    data = AttackData(coloured(48), coloured(12))
    reports = []

    def report(share):
        reports.append(share)
        if len(reports) == stop:
            signal.raise_signal(signal.SIGINT)

    def attack(trainer):
        stamper = InputAware(width=2).draw(Canvas(16, 3), 0)
        recipes = RECIPE, TriggerRecipe(epochs=1)
        clean = network()
        return TrainingControl().plant(clean, clean, stamper, data, *recipes, Shares(0.25), seed=1, trainer=trainer)

    trainer = replace(cpu, folder=tmp_path, name="attack", report=report)
    with pytest.raises(KeyboardInterrupt):
        attack(trainer)
    resumed, undisturbed = attack(trainer), attack(cpu)
    assert len(reports) == 12
    assert reports == pytest.approx([*(step / 12 for step in range(1, 13))])
    assert same(resumed.network, undisturbed.network)
    assert same(resumed.stamper, undisturbed.stamper)
    assert resumed.certificate == undisturbed.certificate
