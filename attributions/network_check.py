"""What our rules can say about a network: which are defined on it, which are refused and why, and what they keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS, Attribution, layers_of
from peephole.attributions.canonical import Canonical
from peephole.attributions.checked import check_maps, shapes_of
from peephole.attributions.maps import Maps
from peephole.attributions.methods import build
from peephole.attributions.operations import Operation
from peephole.attributions.propagation import Propagation
from peephole.attributions.question import Question
from peephole.attributions.refusal import refusal
from peephole.attributions.rule import Rule
from peephole.attributions.rules.deeplift import DeepLift


@dataclass(frozen=True)
class FoundOperation:
    """An operation of a network.

    Attributes:
        operation: which.
        count: how many call sites compute it.
        first: the name of the first of them.
    """

    operation: Operation
    count: int
    first: str


@dataclass(frozen=True)
class RuleOnNetwork:
    """What one rule, with the options that it has by default, can say about a network.

    Attributes:
        name: of the rule.
        title: as the literature spells it.
        refused: why it is not defined there; None if it is.
        failed: what went wrong when it was tried, if it was and something did.
        layers: at how many layers it has maps.
        tried: whether it was asked for maps.
        kept: of what it hands down (the logit, or its difference from that of a zero activation), the share that the
            map of the lowest layer holds, the median over the pictures; None for rules that promise no sum.
        kept_least: the same at the layer where it is least.
    """

    name: str
    title: str
    refused: str | None
    failed: str | None
    layers: int
    tried: bool
    kept: float | None
    kept_least: float | None


@dataclass(frozen=True)
class NetworkCheck:
    """What there is in a network, and what our rules can say about it.

    Attributes:
        operations: in the order of the vocabulary.
        layers: names and shapes ``(C, h, w)`` for pictures of this size, from the picture up.
        one_size: whether its code decides by the size of its pictures.
        rules: all that are registered.
    """

    operations: tuple[FoundOperation, ...]
    layers: tuple[tuple[str, tuple[int, ...]], ...]
    one_size: bool
    rules: tuple[RuleOnNetwork, ...]


def check_network(model: Canonical, x: Tensor, target: Tensor, *, run_all: bool = False) -> NetworkCheck:
    """Say which rules are defined on a network, and try those of one pass a layer on some pictures.

    Args:
        model: its canonical graph.
        x: a few pictures ``[B,C,H,W]`` in [0,1].
        target: int64 ``[B]``.
        run_all: try those that take many passes, too, which can take minutes.

    Raises:
        PeepholeError: the pictures are none for this network.
    """
    question = Question(model, x, target, model.layers)
    shapes = shapes_of(model, x, model.layers)
    found = []
    for operation in Operation:
        sites = [site for site in model.sites if site.operation is operation]
        if sites:
            found.append(FoundOperation(operation, len(sites), sites[0].name))
    return NetworkCheck(
        tuple(found),
        tuple((layer, shapes[layer]) for layer in model.layers),
        model.one_size,
        tuple(_rule(name, model, question, run_all) for name in ATTRIBUTIONS),
    )


def _rule(name: str, model: Canonical, question: Question, run_all: bool) -> RuleOnNetwork:
    method = build(name)
    layers = layers_of(method, model)
    refused = refusal(method, model, layers)
    tried = refused is None and (run_all or _is_cheap(method))
    failed, kept, least = None, None, None
    if tried:
        try:
            maps = question.maps(method, layers)
            check_maps(name, maps, model, question.x, layers)
            shares = _shares(maps, layers)
            if shares:
                kept, least = shares[0], min(shares)
        except Exception as error:  # noqa: BLE001  whatever goes wrong with one rule, the others are still told
            failed = " ".join(str(error).split()) or type(error).__name__
        question.forget(method, layers)
    return RuleOnNetwork(name, method.title, refused, failed, len(layers), tried, kept, least)


def _is_cheap(method: Attribution) -> bool:
    """Whether a method takes one pass, or one a layer."""
    return isinstance(method, Propagation | DeepLift)


def _shares(maps: object, layers: Sequence[str]) -> list[float]:
    """What each layer's map holds of what was handed down, the median over the pictures."""
    if not isinstance(maps, Maps) or not maps.lost:
        return []
    shares = []
    for layer in layers:
        lost, sums = maps.lost[layer].double(), maps[layer].double().flatten(1).sum(1)
        whole = lost + sums
        shares.append(median((sums / whole.where(whole != 0, 1)).tolist()))
    return shares


SHORT = {
    Operation.LINEAR: "linear map",
    Operation.SCALE: "fixed scale",
    Operation.RELU: "ReLU",
    Operation.ACTIVATION: "other activation",
    Operation.SUM: "sum",
    Operation.PRODUCT: "product",
    Operation.MAXIMUM: "maximum",
    Operation.AVERAGE: "average",
    Operation.REARRANGEMENT: "rearrangement",
    Operation.NORMALISATION: "own statistics",
    Operation.ATTENTION: "attention",
    Operation.AFFINE: "affine",
    Operation.SHAPE: "shape",
    Operation.OPAQUE: "unknown",
}
"""The operations in a word or two, for tables."""


def undefined_on(name: str) -> dict[Operation, str]:
    """The operations that a registered rule is not defined on with the options that it has by default, and why."""
    method = build(name)
    found: dict[Operation, str] = {}
    waiting: list[Attribution] = [method]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Rule):
            found.update(one.undefined())
            waiting += one.uses()
    return {operation: found[operation] for operation in Operation if operation in found}


def markdown_table() -> str:
    """The table rule × operation of the documentation: ``–`` where a rule is not defined."""
    shown = [operation for operation in Operation if operation is not Operation.SHAPE]
    lines = [
        "| rule | " + " | ".join(SHORT[operation] for operation in shown) + " |",
        "|---|" + "---|" * len(shown),
    ]
    for name in ATTRIBUTIONS:
        undefined = undefined_on(name)
        cells = ["–" if operation in undefined else "✓" for operation in shown]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
