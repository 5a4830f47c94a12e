"""What is asked of every rule on a network that somebody else wrote."""

import copy

import torch
from torch import nn

from peephole.attributions.base import ATTRIBUTIONS, layers_of
from peephole.attributions.folding import fold_batch_norm
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.operations import Operation
from peephole.attributions.refusal import NotDefined
from peephole.attributions.relevance import Positive, by_signs
from peephole.attributions.tape import Tape
from peephole.attributions.way import Way

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


def differences(one, other, tolerance=1e-9):
    """The rules whose answers differ: by how much of the largest value, or what each said."""
    found = {}
    for rule, left in one.items():
        right = other[rule]
        if isinstance(left, str) or isinstance(right, str):
            if not (isinstance(left, str) and isinstance(right, str) and left == right):
                found[rule] = tuple(each if isinstance(each, str) else "a map" for each in (left, right))
            continue
        gap = float((left - right).abs().max() / left.abs().max().clamp(min=1e-300))
        if not gap <= tolerance:
            found[rule] = gap
    return found


def pictures(size=(2, 8, 8), count=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, *size, dtype=torch.float64, generator=generator)


TARGET = torch.tensor([0, 2])


def dead(step):
    """Which outputs of a call site have nothing that the z⁺-rule could give their relevance to."""
    output, operation, module = step.output.detach(), step.site.operation, step.site.module
    if operation is Operation.LINEAR:
        a = step.input
        bare = copy.copy(module)
        totals = []
        for sign in (1, -1):
            bare._parameters = {"weight": nn.Parameter((sign * module.weight).clamp(min=0)), "bias": None}
            totals.append(bare((sign * a).clamp(min=0)))
        total = sum(totals).detach()
        return total <= 1e-9 * total.flatten(1).amax(1).reshape(-1, *[1] * (total.ndim - 1))
    if operation is Operation.SUM:
        tensors = {number: tensor.detach() for number, tensor in step.leaves}
        weights = getattr(module, "weights", (1, 1))
        terms = [weight * tensors[number] for weight, number in zip(weights, step.site.inputs, strict=True)]
        return ~torch.stack([(term > 0).expand_as(output) for term in terms]).any(0)
    if operation is Operation.AVERAGE:
        return module(step.input.clamp(min=0)) <= 0
    if operation in (Operation.SCALE, Operation.ACTIVATION, Operation.RELU):
        return step.input == 0
    return torch.zeros_like(output, dtype=torch.bool)


def lost_by_z_plus(canonical, x, target):
    """For each layer, the relevance that outputs without a positive contribution above it held, ``[B]``."""
    graph = fold_batch_norm(canonical)
    tape = Tape(graph, graph.run(x, until="input")[0], "input")
    rule, losses = by_signs(Positive()), {}

    def counted(step, signal):
        if isinstance(step.output, torch.Tensor) and step.leaves:
            losses[step.position] = (step.output.detach() * signal * dead(step)).flatten(1).sum(1).double()
        handler = rule.get(step.site.operation)
        return step.pull(signal) if handler is None else handler(step, signal)

    Way.of(dict.fromkeys(Operation, counted)).go(tape, target, graph.layers)
    zero = torch.zeros(len(x), dtype=torch.float64)
    return {
        layer: sum((value for position, value in losses.items() if position >= graph.depth(layer)), zero)
        for layer in graph.layers
    }
