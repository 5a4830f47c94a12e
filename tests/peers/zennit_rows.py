"""Zennit's rules on the canonical graph with batch normalisation folded where it can be.

Sums are Zennit's own, which its ``Norm`` shares in proportion, or convolutions (`spelt_out`), which its rules share.
"""

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
from zennit.types import Activation, AvgPool, BatchNorm, Linear

from peephole.attributions.canonical import Canonical
from peephole.attributions.way import one_hot

TINY = 1e-9
"""What is added to denominators, as in our rules. Zennit's default of 1e-6 is seen in the maps of small sums."""

SMALL = {"stabilizer": TINY}
NO_BIAS = {"zero_params": "bias", **SMALL}

PROPORTIONAL = "sums='proportional'"
QUARTER = "epsilon=0.25, relative=false"
CONVOLUTIONS = "sums as convolutions"


def logit(subject: Subject) -> Tensor:
    """Relevance that begins as the label's logit."""
    return subject.model(subject.x) * ones(subject)


def ones(subject: Subject) -> Tensor:
    """Relevance that begins as one."""
    return one_hot(subject.model(subject.x), subject.target)


def with_its_sums(subject: Subject) -> Canonical:
    """The network with Zennit's own sums."""
    return subject.for_zennit


def with_convolutions(subject: Subject) -> Canonical:
    """The network with sums and averages as convolutions."""
    return subject.spelt_out


def one_pass(
    composite: Callable[[Subject], Any],
    start: Callable[[Subject], Tensor] = logit,
    made: Callable[[Subject], Canonical] = with_its_sums,
) -> Peer:
    """A composite on the whole network: what arrives at every layer."""

    def maps(subject: Subject, layers: Sequence[str]) -> Maps:
        network = made(subject)
        with composite(subject).context(network), torch.enable_grad():
            logits, kept = network.run(subject.activations["input"].clone().requires_grad_(), keep=layers)
            found = torch.autograd.grad(logits, [kept[layer] for layer in layers], start(subject))
        return dict(zip(layers, found, strict=True))

    return maps


def alone(composite: Any) -> Callable[[Subject], Any]:
    """The same composite whatever the network."""
    return lambda subject: composite


def everywhere_linear(rule: Any, first: Any = None, norm: Any = None, scale: Any = None) -> Any:
    """One rule at all linear modules, perhaps another at the first.

    Activations pass relevance on, and so do normalisations unless ``scale`` is their rule; ``norm`` is that of Zennit's
    sums and pools, which share in proportion.
    """
    norm = norm or rules.Norm(**SMALL)
    passing = [(Activation, rules.Pass()), (BatchNorm, scale or rules.Pass())]
    # Max-pools hand relevance on by themselves.
    kinds = [*passing, (Sum, norm), (AvgPool, norm), (Linear, rule)]
    return composites.SpecialFirstLayerMapComposite(kinds, [(Linear, first or rule)])


def boxed(subject: Subject) -> Any:
    """z⁺, and zᴮ at the first convolution, between what black and white are after the normalisation."""
    with torch.no_grad():
        ends = [subject.model.run(torch.full_like(subject.x[:1], value), until="input")[0] for value in (0.0, 1.0)]
    return everywhere_linear(rules.ZPlus(**NO_BIAS), first=rules.ZBox(*ends, **NO_BIAS))


def keeping(rule: rules.AlphaBeta) -> rules.AlphaBeta:
    """αβ of 2 and 1 that gives all relevance to the contributions of one sign where there are none of the other.

    There Zennit's rule makes twice the relevance of an output, or turns it round: at every sum of two ReLUs, and at
    every average of one.
    """
    plain = rule.gradient_mapper

    def mapped(out_grad: Tensor, outputs: list[Tensor]) -> list[Tensor]:
        positive, negative = sum(outputs[:2]), sum(outputs[2:])
        up = torch.where(negative < 0, 1.0, 0.5).to(out_grad)
        down = torch.where(positive > 0, 1.0, -1.0).to(out_grad)
        found = plain(out_grad, outputs)
        return [part * share for part, share in zip(found, (up, up, down, down), strict=True)]

    rule.gradient_mapper = mapped
    return rule


def rows() -> Iterator[Comparison]:
    """The comparisons with Zennit."""
    for subject in ("resnet18", "vgg"):
        yield from _gradients(subject)
    yield from _relevance("resnet18", PROPORTIONAL)
    for subject in ("resnet18", "preactivated"):
        yield from _relevance(subject, made=with_convolutions, said=f", {CONVOLUTIONS}")
    for subject in ("vgg", "activations"):
        yield from _relevance(subject)
    relevance: dict[str, Any] = {"dtype": torch.float64, "remark": sums}
    default = everywhere_linear(rules.ZPlus(zero_params="bias"), norm=rules.Norm())
    yield Comparison(
        *("resnet18", f"lrp_alpha1_beta0({PROPORTIONAL})", "zennit ZPlus('bias'), its default stabilizer"),
        one_pass(alone(default)),
        differs="1e-6 shows beside small sums of two branches; all other lines have 1e-9, as ours",
        **relevance,
    )
    plain = everywhere_linear(rules.AlphaBeta(2, 1, **NO_BIAS))
    yield Comparison(
        *("resnet18", "lrp_alpha_beta", f"zennit AlphaBeta(2, 1, 'bias'), {CONVOLUTIONS}"),
        one_pass(alone(plain), made=with_convolutions),
        differs="at a sum or an average of numbers of one sign it makes twice their relevance",
        **relevance,
    )
    whole = everywhere_linear(rules.Epsilon(TINY), scale=rules.Epsilon(TINY))
    yield Comparison("activations", "lrp_z", "zennit Epsilon(1e-9)", one_pass(alone(whole)), **relevance)
    yield from _zeros_shifted(relevance)


def _gradients(subject: str) -> Iterator[Comparison]:
    for ours, composite in (
        ("gradient", composites.LayerMapComposite([])),
        ("guided_backprop", composites.GuidedBackprop()),
        ("deconv", composites.DeconvNet()),
    ):
        peer = "Gradient" if ours == "gradient" else type(composite).__name__
        yield Comparison(subject, ours, f"zennit {peer}", one_pass(alone(composite), ones))


def _relevance(
    subject: str, option: str = "", made: Callable[[Subject], Canonical] = with_its_sums, said: str = ""
) -> Iterator[Comparison]:
    """All rules, ours with an option, theirs on a network made otherwise."""
    relevance: dict[str, Any] = {"dtype": torch.float64, "remark": sums}
    scales = subject not in ("resnet18", "vgg")
    damped = everywhere_linear(rules.Epsilon(0.25), scale=rules.Epsilon(TINY))
    alpha_beta, unbiased = rules.AlphaBeta(2, 1, **SMALL), rules.AlphaBeta(2, 1, **NO_BIAS)
    kept = ""
    if made is with_convolutions:
        alpha_beta, unbiased, kept = keeping(alpha_beta), keeping(unbiased), ", conserving"
    compared = [
        ("lrp_alpha1_beta0", "", "ZPlus('bias')", everywhere_linear(rules.ZPlus(**NO_BIAS))),
        ("lrp_alpha1_beta0", "bias=true", "ZPlus", everywhere_linear(rules.ZPlus(**SMALL))),
        ("lrp_alpha_beta", "", f"AlphaBeta(2, 1, 'bias'){kept}", everywhere_linear(unbiased)),
        ("lrp_alpha_beta", "bias=true", f"AlphaBeta(2, 1){kept}", everywhere_linear(alpha_beta)),
        ("lrp_epsilon", QUARTER, "Epsilon(0.25)" + ", 1e-9 at normalisations" * scales, damped),
    ]
    for name, options, peer, composite in compared:
        if scales and options == "bias=true":
            continue  # Zennit has no rule for the bias of a normalisation
        ours = spelt(name, options, option)
        yield Comparison(subject, ours, f"zennit {peer}{said}", one_pass(alone(composite), made=made), **relevance)
    row = (spelt("dtd", option), f"zennit ZPlus, ZBox at the picture{said}", one_pass(boxed, made=made))
    yield Comparison(subject, *row, **relevance)
    passing = [(Activation, rules.Pass()), (BatchNorm, rules.Pass())]
    excitation = one_pass(alone(composites.ExcitationBackprop(**NO_BIAS, layer_map=passing)), ones, made)
    row = (spelt("excitation_backprop", option), f"zennit ExcitationBackprop('bias'){said}", excitation)
    yield Comparison(subject, *row, **(relevance | {"remark": probabilities}))


def _zeros_shifted(relevance: dict[str, Any]) -> Iterator[Comparison]:
    """A normalisation behind a ReLU."""
    passing = one_pass(alone(everywhere_linear(rules.ZPlus(**NO_BIAS))))
    row = ("normalised_relu", "lrp_alpha1_beta0", "zennit ZPlus('bias'), behind a ReLU's zeros", passing)
    why = "a normalisation makes something of a ReLU's zeros: its relevance goes through them, ours is lost"
    yield Comparison(*row, **relevance, differs=why)


def spelt(name: str, *options: str) -> str:
    """A method's text."""
    given = ", ".join(filter(None, options))
    return f"{name}({given})" if given else name
