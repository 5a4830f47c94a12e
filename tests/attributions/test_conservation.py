"""Relevance is neither lost nor made: its sum is the same at every layer, of networks as they are used."""

import functools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from peephole.attributions.folding import fold_batch_norm
from peephole.attributions.methods import build
from peephole.attributions.operations import Operation
from peephole.attributions.relevance import Positive, by_signs
from peephole.attributions.tape import Tape
from peephole.attributions.way import Way

from .large_networks import NETWORKS, TARGET, logit, prepared

network = functools.cache(prepared)

RULES = (
    "lrp_alpha1_beta0",
    "lrp_alpha_beta",
    "dtd",
    "excitation_backprop",
    "excitation_backprop(batch_norm='identity')",
)
WIDE = [name for name in NETWORKS if name != "resnet8"]


def errors(canonical, x, rule):
    """|Σ map − Σ expected| / |expected|, the worst of each layer."""
    expected = torch.ones(len(x)).double() if rule.startswith("excitation") else logit(canonical, x)
    maps = build(rule).attribute(canonical, x, TARGET, canonical.layers)
    return {
        layer: float(((values.double().sum((1, 2, 3)) - expected) / expected).abs().max())
        for layer, values in maps.items()
    }


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("rule", RULES)
def test_relevance_is_conserved_in_single_precision(name, rule):
    found = errors(*network(name), rule)
    assert len(found) == len(network(name)[0].layers)
    assert max(found.values()) <= 1e-4, found


def lost(canonical, x):
    """The relevance of outputs without a positive contribution, that the z⁺-rule loses above each layer."""
    start = canonical.run(x, until="input")[0]
    tape, losses = Tape(canonical, start, "input"), {}

    def counted(step, signal):
        module, a = step.site.module, step.input
        function = F.linear if isinstance(module, nn.Linear) else module._conv_forward
        parts = [(a.clamp(min=0), module.weight.clamp(min=0)), (a.clamp(max=0), module.weight.clamp(max=0))]
        total = sum(function(part, weight, None) for part, weight in parts)
        relevance = step.output.detach() * signal
        losses[step.position] = (relevance * (total == 0)).flatten(1).sum(1).double()
        return Positive()(step, signal)

    Way.of({**by_signs(Positive()), Operation.LINEAR: counted}).go(tape, TARGET, canonical.layers)
    return {
        layer: sum(value for position, value in losses.items() if position >= canonical.depth(layer))
        for layer in canonical.layers
    }


def test_what_a_narrow_network_loses_is_that_of_dead_outputs():
    """Eight channels, strided 1×1 shortcuts: here and there no input of an output is on, only its bias is."""
    canonical, x = network("resnet8")
    folded = fold_batch_norm(canonical)
    losses, whole = lost(folded, x), logit(canonical, x)
    maps = build("lrp_alpha1_beta0").attribute(canonical, x, TARGET, canonical.layers)
    for layer, values in maps.items():
        assert torch.allclose(values.double().sum((1, 2, 3)) + losses[layer], whole, rtol=1e-4)
    assert float((losses["input"] / whole).abs().max()) < 0.02


@pytest.mark.parametrize("name", NETWORKS)
def test_the_z_rule_is_input_times_gradient(name):
    canonical, x = network(name)
    z, product = (
        build(rule).attribute(canonical, x, TARGET, canonical.layers) for rule in ("lrp_z", "input_x_gradient")
    )
    for layer, values in z.items():
        assert float((values - product[layer]).abs().max() / product[layer].abs().max()) < 1e-4


@pytest.mark.parametrize("name", WIDE)
def test_the_epsilon_rule_only_takes_away(name):
    """Every output hands on less than it got; without ε, all but what biases keep."""
    canonical, x = network(name)
    weak, strong = (f"lrp_epsilon(epsilon={epsilon}, relative=false)" for epsilon in (1e-6, 10.0))
    kept, less = (
        build(rule).attribute(canonical, x, TARGET, ["input"])["input"].abs().sum() for rule in (weak, strong)
    )
    assert less < kept
