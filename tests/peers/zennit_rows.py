"""Zennit's rules on the canonical graph, with its own sums and batch normalisation folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from comparison import Comparison, Peer
from measures import Maps, probabilities, sums
from subjects import Subject
from torch import Tensor
from zennit import composites, rules
from zennit.layer import Sum
from zennit.types import AvgPool, Linear

from peephole.attributions.way import one_hot

TINY = 1e-9
"""What is added to denominators, as in our rules. Zennit's default of 1e-6 is seen in the maps of small sums."""

SMALL = {"stabilizer": TINY}
NO_BIAS = {"zero_params": "bias", **SMALL}


def logit(subject: Subject) -> Tensor:
    """Relevance that begins as the label's logit."""
    return subject.model(subject.x) * ones(subject)


def ones(subject: Subject) -> Tensor:
    """Relevance that begins as one."""
    return one_hot(subject.model(subject.x), subject.target)


def one_pass(composite: Callable[[Subject], Any], start: Callable[[Subject], Tensor] = logit) -> Peer:
    """A composite on the whole network: what arrives at every layer."""

    def maps(subject: Subject, layers: Sequence[str]) -> Maps:
        network = subject.for_zennit
        with composite(subject).context(network), torch.enable_grad():
            logits, kept = network.run(subject.activations["input"].clone().requires_grad_(), keep=layers)
            found = torch.autograd.grad(logits, [kept[layer] for layer in layers], start(subject))
        return dict(zip(layers, found, strict=True))

    return maps


def alone(composite: Any) -> Callable[[Subject], Any]:
    """The same composite whatever the network."""
    return lambda subject: composite


def everywhere_linear(rule: Any, first: Any = None, norm: Any = None) -> Any:
    """One rule at all linear modules, perhaps another at the first; sums and average pools share in proportion."""
    norm = norm or rules.Norm(**SMALL)
    # Max-pools and ReLUs hand relevance on by themselves.
    kinds = [(Sum, norm), (AvgPool, norm), (Linear, rule)]
    return composites.SpecialFirstLayerMapComposite(kinds, [(Linear, first or rule)])


def boxed(subject: Subject) -> Any:
    """z⁺, and zᴮ at the first convolution, between what black and white are after the normalisation."""
    with torch.no_grad():
        ends = [subject.model.run(torch.full_like(subject.x[:1], value), until="input")[0] for value in (0.0, 1.0)]
    return everywhere_linear(rules.ZPlus(**NO_BIAS), first=rules.ZBox(*ends, **NO_BIAS))


def rows() -> Iterator[Comparison]:
    """The comparisons with Zennit."""
    for subject in ("resnet18", "vgg"):
        yield from _gradients(subject)
        yield from _relevance(subject)
    default = everywhere_linear(rules.ZPlus(zero_params="bias"), norm=rules.Norm())
    yield Comparison(
        *("resnet18", "lrp_alpha1_beta0", "zennit ZPlus('bias'), its default stabilizer", one_pass(alone(default))),
        dtype=torch.float64,
        differs="1e-6 shows beside small sums of two branches; all other lines have 1e-9, as ours",
        remark=sums,
    )


def _gradients(subject: str) -> Iterator[Comparison]:
    for ours, composite in (
        ("gradient", composites.LayerMapComposite([])),
        ("guided_backprop", composites.GuidedBackprop()),
        ("deconv", composites.DeconvNet()),
    ):
        peer = "Gradient" if ours == "gradient" else type(composite).__name__
        yield Comparison(subject, ours, f"zennit {peer}", one_pass(alone(composite), ones))


def _relevance(subject: str) -> Iterator[Comparison]:
    relevance: dict[str, Any] = {"dtype": torch.float64, "remark": sums}
    for ours, peer, composite in (
        ("lrp_alpha1_beta0", "ZPlus('bias')", everywhere_linear(rules.ZPlus(**NO_BIAS))),
        ("lrp_alpha1_beta0(bias=true)", "ZPlus", everywhere_linear(rules.ZPlus(**SMALL))),
        ("lrp_alpha_beta", "AlphaBeta(2, 1, 'bias')", everywhere_linear(rules.AlphaBeta(2, 1, **NO_BIAS))),
        ("lrp_alpha_beta(bias=true)", "AlphaBeta(2, 1)", everywhere_linear(rules.AlphaBeta(2, 1, **SMALL))),
        ("lrp_epsilon(epsilon=0.25, relative=false)", "Epsilon(0.25)", everywhere_linear(rules.Epsilon(0.25))),
    ):
        yield Comparison(subject, ours, f"zennit {peer}", one_pass(alone(composite)), **relevance)
    yield Comparison(subject, "dtd", "zennit ZPlus, ZBox at the picture", one_pass(boxed), **relevance)
    excitation = one_pass(alone(composites.ExcitationBackprop(**NO_BIAS)), ones)
    row = ("excitation_backprop", "zennit ExcitationBackprop('bias')", excitation)
    yield Comparison(subject, *row, **(relevance | {"remark": probabilities}))
