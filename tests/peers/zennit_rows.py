"""Zennit's rules on the canonical graph, with its own sums and batch normalisation folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from comparison import Comparison, Maps, Peer, only, sums
from subjects import Subject
from torch import Tensor
from zennit import composites, rules
from zennit.layer import Sum
from zennit.types import AvgPool, Linear

from peephole.attributions.way import one_hot

NO_BIAS = {"zero_params": "bias"}
BESIDE_LINEAR = [(Sum, rules.Norm()), (AvgPool, rules.Norm())]
"""Sums and average pools share relevance in proportion. Max-pools and ReLUs hand it on by themselves."""


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


def named(name: str, **options: Any) -> Callable[[Subject], Any]:
    """One of Zennit's own composites."""
    return lambda subject: getattr(composites, name)(**options)


def everywhere_linear(rule: Callable[[], Any]) -> Callable[[Subject], Any]:
    """One rule at all linear modules."""
    return lambda subject: composites.LayerMapComposite([*BESIDE_LINEAR, (Linear, rule())])


def boxed(subject: Subject) -> Any:
    """z⁺, and zᴮ at the first convolution, between what black and white are after the normalisation."""
    with torch.no_grad():
        low, high = (
            subject.model.run(torch.full_like(subject.x[:1], value), until="input")[0] for value in (0.0, 1.0)
        )
    box = rules.ZBox(low=low, high=high, **NO_BIAS)
    return composites.SpecialFirstLayerMapComposite(
        [*BESIDE_LINEAR, (Linear, rules.ZPlus(**NO_BIAS))], [(Linear, box)]
    )


def rows() -> Iterator[Comparison]:
    """The comparisons with Zennit. Its rules add 1e-6 to denominators, ours 1e-9."""
    plus, plus_bias = (everywhere_linear(lambda some=some: rules.ZPlus(**some)) for some in (NO_BIAS, {}))
    two_one = everywhere_linear(lambda: rules.AlphaBeta(2, 1, **NO_BIAS))
    one_sided = "where all contributions have one sign Zennit makes or loses relevance, ours goes to them"
    for name in ("resnet18", "vgg"):
        for ours, peer, maps in (
            ("gradient", "Gradient", one_pass(lambda subject: composites.LayerMapComposite([]), ones)),
            ("guided_backprop", "GuidedBackprop", one_pass(named("GuidedBackprop"), ones)),
            ("deconv", "DeconvNet", one_pass(named("DeconvNet"), ones)),
        ):
            yield Comparison(name, ours, f"zennit {peer}", maps)
        for ours, peer, maps in (
            ("lrp_alpha1_beta0", "ZPlus(zero_params='bias')", one_pass(plus)),
            ("lrp_alpha1_beta0(bias=true)", "ZPlus()", one_pass(plus_bias)),
            (
                "excitation_backprop",
                "ExcitationBackprop(zero_params='bias')",
                one_pass(named("ExcitationBackprop", **NO_BIAS), ones),
            ),
            (
                "lrp_epsilon(epsilon=0.25, relative=false)",
                "Epsilon(0.25)",
                one_pass(everywhere_linear(lambda: rules.Epsilon(0.25))),
            ),
        ):
            yield Comparison(name, ours, f"zennit {peer}", maps, remark=sums)
        yield Comparison(name, "dtd", "zennit ZBox + ZPlus", one_pass(boxed), remark=sums)
        yield Comparison(
            name, "lrp_alpha_beta", "zennit AlphaBeta(2, 1, 'bias')", one_pass(two_one), remark=sums
        )
