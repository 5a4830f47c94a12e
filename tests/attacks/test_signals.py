"""Signals to a real process that trains."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from peephole.attacks.interruption import deferred
from peephole.attacks.recipe import Recipe
from peephole.attacks.training import train

RECIPE = Recipe(2, 12, 0.05)
STEPS = 8

SCRIPT = """
import sys, time, torch
from pathlib import Path
from torch import nn
from peephole.attacks.recipe import Recipe
from peephole.attacks.splits import InMemory
from peephole.attacks.trainer import Trainer
from peephole.attacks.training import train

def report(share):
    print(share, flush=True)
    time.sleep(float(sys.argv[2]))

torch.set_num_threads(int(sys.argv[3]))
images, labels, model = torch.load(sys.argv[1] + "/task.pt", weights_only=False)
trainer = Trainer(torch.device("cpu"), folder=Path(sys.argv[1]), name="task", report=report)
train(model, InMemory(images, labels), Recipe(2, 12, 0.05), trainer, seed=3)
"""


ENDED = (-signal.SIGINT, 1)
"""By SIGINT, or with 1 where tabulate is installed: what torch._dynamo does at exit imports it, and Python then forgets
that it was interrupted.
"""


@pytest.fixture
def started(coloured, network, tmp_path):
    """A process that is training, with each step as long as asked; it is over the first step."""
    running = []

    def start(seconds):
        split = coloured(48)
        torch.save((split.images, split.labels, network()), tmp_path / "task.pt")
        arguments = [sys.executable, "-c", SCRIPT, str(tmp_path), str(seconds), str(torch.get_num_threads())]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        process.stdout.readline()
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_a_signal_ends_a_training_with_a_checkpoint_from_which_the_next_goes_on(
    number, started, coloured, network, cpu, same, tmp_path
):
    process = started(0.3)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode in ({signal.SIGINT: ENDED}.get(number, (-number,)))
    seen = []
    trainer = replace(cpu, folder=tmp_path, name="task", report=seen.append)
    model = train(network(), coloured(48), RECIPE, trainer, seed=3)
    assert 0 < len(seen) < STEPS
    assert same(model, train(network(), coloured(48), RECIPE, cpu, seed=3))


def test_a_second_signal_does_not_wait(started, tmp_path):
    process = started(600)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode in ENDED
    assert not (tmp_path / "task-train.pt").exists()


@pytest.fixture
def handled():
    """The signals that arrive at this test's own handler."""
    received = []
    previous = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    yield received
    signal.signal(signal.SIGTERM, previous)


def terminated():
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_handler_of_others_is_called_at_the_end_and_stays(handled):
    own = signal.getsignal(signal.SIGTERM)

    def interrupted():
        with deferred() as stopped:
            assert not stopped()
            terminated()
            assert stopped()
            assert handled == []

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert handled == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is own
    terminated()
    assert handled == [signal.SIGTERM] * 2


def test_handlers_are_back_after_a_training_that_ended_or_failed(coloured, network, cpu):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    train(network(), coloured(12), RECIPE, cpu, seed=0)
    with pytest.raises(ZeroDivisionError):
        train(network(), coloured(12), RECIPE, replace(cpu, report=lambda share: 1 / 0), seed=0)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_an_error_inside_is_not_hidden_by_a_signal(handled):
    def failing():
        with deferred():
            terminated()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert handled == []


def test_whoever_asks_is_told_once(handled):
    told = []

    def interrupted():
        with deferred(lambda: told.append(1)):
            terminated()
            terminated()

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert told == [1]
    assert handled == [signal.SIGTERM] * 2
