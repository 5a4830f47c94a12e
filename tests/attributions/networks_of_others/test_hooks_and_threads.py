"""Networks with hooks, locks, and other networks beside them: taken in as they are, or refused by name."""

import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.graph import canonicalise

from .rules import RULES, TARGET, answers, differences, pictures

FEW = tuple(rule for rule in RULES if not rule.startswith(("cameras", "score_cam")))


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.conv, self.relu, self.fc = nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Linear(4, 4)
        self.double().eval()

    def forward(self, x):
        return self.fc(self.relu(self.conv(x)).mean((2, 3)))


@pytest.mark.parametrize("pre", [False, True])
def test_what_a_hook_does_is_unknown(pre):
    network = Small()
    if pre:
        network.conv.register_forward_pre_hook(lambda module, inputs: (F.silu(inputs[0]),))
    else:
        network.conv.register_forward_hook(lambda module, inputs, output: torch.relu(output))
    found = answers(network, pictures(), TARGET, ["guided_backprop", "lrp_alpha1_beta0", "gradient"])
    assert found["guided_backprop"] == found["lrp_alpha1_beta0"] == "an unknown operation"
    assert not isinstance(found["gradient"], str)


def test_a_hook_that_only_records_changes_no_map():
    network, seen = Small(), []
    network.conv.register_forward_hook(lambda module, inputs, output: seen.append(output.detach()))
    network.relu.register_forward_pre_hook(lambda module, inputs: None)
    network(pictures())  # tensors of a graph may lie in what is copied
    assert differences(answers(Small(), pictures(), TARGET, FEW), answers(network, pictures(), TARGET, FEW)) == {}


class Doubled:
    """Computes a weight from another before each call, as equalised learning rates do."""

    def __call__(self, module, inputs):
        module.weight = module.original * 2.0


def test_a_hook_that_computes_a_weight_changes_no_map():
    network = Small()
    weight = network.conv.weight
    del network.conv.weight
    network.conv.original = nn.Parameter(weight.detach() / 2)
    network.conv.register_forward_pre_hook(Doubled())
    assert differences(answers(Small(), pictures(), TARGET, FEW), answers(network, pictures(), TARGET, FEW)) == {}


class Guarded(Small):
    """A network that keeps what it computed, and a lock that no copy is made of."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()
        self.features = []

    def forward(self, x):
        with self.lock:
            maps = self.relu(self.conv(x))
        self.features = [maps]
        return self.fc(maps.mean((2, 3)))


def test_locks_and_kept_tensors_are_no_hindrance():
    network = Guarded()
    network(pictures())
    lock, (kept,) = network.lock, network.features
    assert differences(answers(Small(), pictures(), TARGET, FEW), answers(network, pictures(), TARGET, FEW)) == {}
    assert network.lock is lock
    assert network.features[0] is kept


def test_networks_of_other_threads_work_while_one_is_taken_in():
    network, x, wrong, done = Small(), pictures(), [], threading.Event()
    expected = network(x).detach()

    def ask():
        while not done.is_set():
            with torch.no_grad():
                found = network(x)
            if type(found) is not torch.Tensor or not torch.equal(found, expected):
                wrong.append(found)

    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(5):
        canonicalise(Small(), (2, 8, 8))
    done.set()
    asking.join()
    assert not wrong


def test_four_networks_are_taken_in_at_once():
    found, x = [], pictures()
    networks = [Small() for _ in range(4)]

    def take(network):
        found.append(canonicalise(network, (2, 8, 8))(x))

    threads = [threading.Thread(target=take, args=(network,)) for network in networks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(torch.equal(each, found[0]) for each in found)
