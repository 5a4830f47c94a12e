"""What is asked of every rule on a network that somebody else wrote."""

import torch

from peephole.attributions.base import ATTRIBUTIONS, layers_of
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.refusal import NotDefined

QUICK = {
    "cameras": "cameras(largest=225)",
    "input_x_smoothgrad": "input_x_smoothgrad(samples=2)",
    "integrated_gradients": "integrated_gradients(steps=3)",
    "smoothgrad": "smoothgrad(samples=2)",
}
OPTIONS = (
    *("guided_backprop(activation='any')", "deconv(activation='any')", "rectgrad(activation='any')"),
    *("lrp_alpha1_beta0(bias=true)", "lrp_alpha1_beta0(sums='proportional')", "lrp_alpha_beta(bias=true)"),
    *("lrp_epsilon(epsilon=0.1, relative=false)", "rectgrad(proportional=true)"),
)
RULES = (*(QUICK.get(name, name) for name in ATTRIBUTIONS), *OPTIONS)


def answers(network, x, target, rules=RULES):
    """The map at the input by each rule, or the operation that it is refused for."""
    canonical = canonicalise(network, tuple(x.shape[1:]))
    found = {}
    for rule in rules:
        method = build(rule)
        layers = [layer for layer in layers_of(method, canonical) if layer == "input"] or canonical.layers[:1]
        try:
            found[rule] = method.attribute(canonical, x, target, layers)["input"]
        except NotDefined as error:
            found[rule] = str(error).partition(" is not defined on ")[2].partition(", '")[0]
    return found


def differences(one, other):
    """The rules whose answers differ: by how much of the largest value, or what each said."""
    found = {}
    for rule, left in one.items():
        right = other[rule]
        if isinstance(left, str) or isinstance(right, str):
            if not (isinstance(left, str) and isinstance(right, str) and left == right):
                found[rule] = (left, right) if isinstance(left, str) or isinstance(right, str) else None
            continue
        gap = float((left - right).abs().max() / left.abs().max().clamp(min=1e-300))
        if not gap <= 1e-9:
            found[rule] = gap
    return found


def pictures(size=(2, 8, 8), count=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, *size, dtype=torch.float64, generator=generator)


TARGET = torch.tensor([0, 2])
