"""How much maps at the input are like the picture, whatever the network's weights are (P2, section IV)."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from peephole.costs import costs, passes_of
from peephole.errors import PeepholeError
from peephole.seeds import stream
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from torch import Tensor

    from peephole.attributions.base import Attribution
    from peephole.attributions.canonical import Canonical
    from peephole.attributions.classifier import Classifier
    from peephole.leaderboard.base import MapMetric
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace

DRAWN = ("normal", "ring", "uniform")
"""Kinds of weights that need no trained network, see `peephole.attributions.weight_distributions`."""
CHANGED = ("upper_randomised", "upper_removed")
"""Kinds of weights that are trained below, and in the upper half of the stages drawn anew or mostly removed."""
TRAINED = "trained"
NETWORK = ("dataset", "model", "model_code")
"""What says in a spec which network it is, but for its weights."""
PIXELS = 2**18
"""Of the pictures of a batch, at most: a deep network's activations are kept three times over."""

Over = Literal["levels", "layers"]


class Alignment(Unit):
    """The cosine of maps at the input and x as the network gets it, of any methods, on any kind of weights.

    Test pictures, in a seeded random order that deals out the classes evenly; the label explained is the network's own
    decision.

    Spec: ``dataset``, ``model`` and ``model_code``; ``weights``: `TRAINED`, or one of `DRAWN` or `CHANGED`, and
    ``weights_code`` if they are not trained; ``methods`` (a list of ``method`` and ``method_code``) and
    ``metric_code``; ``pictures`` (fewer if the test split has no more); ``seed`` (of the pictures, and of what is
    drawn); ``over``: None; or ``levels``, for ``cascade(METHOD, levels=N)`` instead of each method, from 0, the plain
    gradient, to the number of the network's layers, the method alone; or ``layers``, for each method's option
    ``layer`` at every layer above the input; ``most``: so many places of ``over`` at most, evenly spaced, the first
    and the last among them, or None for all; ``pairs``: whether methods are compared with each other; ``shown``: of how
    many pictures maps are kept; the last two without ``over`` only. Input: ``model``, a clean, twin or poisoned
    model, if trained weights enter.

    The shard holds ``alignment`` float64 ``[methods,places,pictures]``, NaN where nothing arrives, and ``index`` int64
    ``[pictures]``, the places in the test split; if asked for, ``pairs`` float64 ``[methods,methods,pictures]``, the
    cosine of two maps, NaN where one has none; and ``maps`` float32 ``[methods,shown,C,H,W]``. The facts ``methods``,
    ``layers`` and ``places`` say what the axes are, and what layers the network has.
    """

    kind: ClassVar[str] = "alignment"
    version: ClassVar[int] = 1

    def cost(self) -> Cost:
        """A pass a picture, method and place; about one each for cascades, which share the rest."""
        spec, over = self.spec, self.spec["over"]
        passes = spec["pictures"] * sum(1 if over == "levels" else passes_of(e["method"]) for e in spec["methods"])
        if bytes_there := costs().get(spec["model"], {}).get("picture_bytes"):
            passes *= min(1.0, 12 * spec["dataset"]["side"] ** 2 / bytes_there)
        if spec["most"]:
            return Cost(spec["model"], passes=passes * spec["most"], pictures=1)
        return Cost(spec["model"], passes=0 if over else passes, layer_passes=passes if over else 0, pictures=1)

    @property
    def group(self) -> Hashable:
        """Networks that are drawn are built once, which for a deep one takes as long as to ask it."""
        if self.inputs:
            return self.digest
        return self.spec["model"], self.spec["model_code"], repr(sorted(self.spec["dataset"].items()))

    def compute(self, workspace: Workspace) -> Shard:
        """Explain, batch by batch.

        Raises:
            PeepholeError: with ``levels``, a method cannot be mixed with the gradient.
        """
        ((_, shard),) = self.compute_all([self], workspace)
        assert not isinstance(shard, Exception)
        return shard

    @classmethod
    def compute_all(cls, units: Sequence[Self], workspace: Workspace) -> Iterator[tuple[Self, Shard | Exception]]:
        """One network after the other, those that are drawn in the memory of the one before."""
        from peephole.attributions.weight_distributions import draw_weights
        from peephole.units.networks import build

        first = units[0].spec
        drawn = None if units[0].inputs else build(first["model"], workspace, first["dataset"], 0).to(workspace.device)
        for unit in units:
            if drawn is None:
                yield unit, unit._shard(unit._trained(workspace), workspace)
            else:
                draw_weights(drawn.eval().requires_grad_(False), unit.spec["weights"], unit.spec["seed"])
                yield unit, unit._shard(drawn, workspace)

    def _trained(self, workspace: Workspace) -> Classifier:
        """The network with its own weights, or what is left of them."""
        from peephole.attributions.randomised import randomised
        from peephole.attributions.weight_distributions import removed, upper_half
        from peephole.units.networks import load

        network, kind = load(self.inputs["model"], workspace), self.spec["weights"]
        if kind == TRAINED:
            return network
        size = self._size(network)
        change = {"upper_randomised": randomised, "upper_removed": removed}[kind]
        return cast("Classifier", change(network, upper_half(network, size), self.spec["seed"], size))

    def _size(self, network: Classifier) -> tuple[int, int, int]:
        side = self.spec["dataset"]["side"]
        return len(network.normalise.mean), side, side

    def _shard(self, network: Classifier, workspace: Workspace) -> Shard:
        import torch

        from peephole.attributions.graph import canonicalise
        from peephole.store.shard import Shard
        from peephole.units.kis_sample import dealt_out

        spec = self.spec
        pictures = workspace.pictures(spec["dataset"], "test")
        generator = torch.Generator().manual_seed(stream("alignment", spec["seed"]))
        index = dealt_out(torch.from_numpy(pictures.labels), generator)[: spec["pictures"]]
        graph = canonicalise(network, self._size(network))
        asked = _Asked(self, network, graph)
        parts = index.split(min(workspace.machine.batch, max(1, PIXELS // spec["dataset"]["side"] ** 2)))
        for done, part in enumerate(parts):
            images = torch.from_numpy(np.stack([pictures.images[int(place)] for place in part]))
            asked.add(images.to(workspace.device).float().div(255))
            workspace.report((done + 1) / len(parts))
        methods = [entry["method"] for entry in spec["methods"]]
        facts = {"methods": methods, "layers": list(graph.layers), "places": [str(one) for one in asked.places]}
        return Shard({**asked.arrays(), "index": index.numpy()}, {**facts, **workspace.facts()})


class _Asked:
    """A network that is asked about one batch after the other.

    Attributes:
        places: levels, or layers, or nothing but ``""``.
    """

    def __init__(self, unit: Alignment, network: Classifier, graph: Canonical) -> None:
        from peephole.attributions.methods import build
        from peephole.leaderboard.base import METRICS, MapMetric

        self._spec, self._network, self._graph = unit.spec, network, graph
        texts = [entry["method"] for entry in self._spec["methods"]]
        self._methods: list[Any] = [build(text) for text in texts]
        if self._spec["over"] == "levels":
            self._methods = [cast("Any", build(cascade_text(text))).method for text in texts]
        metric = METRICS["input_alignment"]()
        assert isinstance(metric, MapMetric)
        self._metric: MapMetric = metric
        everywhere: Mapping[str | None, Sequence[Any]] = {
            None: ("",),
            "levels": range(len(graph.layers) + 1),
            "layers": graph.layers[1:],
        }
        every = everywhere[self._spec["over"]]
        self.places = [every[number] for number in _spread(len(every), self._spec["most"])]
        self._found: list[Tensor] = []
        self._pairs: list[Tensor] = []
        self._maps: list[Tensor] = []

    def add(self, x: Tensor) -> None:
        """Ask about pictures ``[B,C,H,W]`` in [0,1]."""
        import torch

        from peephole.leaderboard.base import Probes
        from peephole.leaderboard.examined import Examined

        with torch.no_grad():
            decision = self._network(x).argmax(1)
        everywhere = torch.ones_like(x[:, :1], dtype=torch.bool)
        examined = Examined(self._network.normalise, self._network.network)
        probes = Probes(x, x, everywhere, everywhere, decision[:, None], network=examined)
        rows, kept = [], []
        for method in self._methods:
            row = []
            for maps in self._answers(method, x, decision):
                scored = self._metric.score(maps[:, None].double(), probes)
                row.append(scored.value.where(scored.valid, torch.nan))
                if self._spec["pairs"] or self._spec["shown"]:
                    kept.append(maps)
            rows.append(torch.stack(row))
        self._found.append(torch.stack(rows).cpu())
        if self._spec["pairs"]:
            self._pairs.append(_cosines(torch.stack(kept)).cpu())
        there = sum(one.shape[1] for one in self._maps)
        if there < self._spec["shown"]:
            self._maps.append(torch.stack([one[: self._spec["shown"] - there] for one in kept]).cpu())

    def _answers(self, method: Any, x: Tensor, decision: Tensor) -> Iterator[Tensor]:
        """Maps at the input, one place after the other."""
        from peephole.attributions.cascade_levels import signals_by_level
        from peephole.attributions.question import Question

        layer = self._graph.layers[0]
        if self._spec["over"] == "levels":
            yield from signals_by_level(method, Question(self._graph, x, decision, (layer,)), self.places)
            return
        for place in self.places:
            one: Attribution = replace(method, layer=place) if place else method
            # A question keeps what arrives at all layers on every way: one each.
            yield Question(self._graph, x, decision, (layer,)).maps(one)[layer].detach()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Of all batches."""
        import torch

        arrays = {"alignment": torch.cat(self._found, dim=2).numpy()}
        if self._pairs:
            arrays["pairs"] = torch.cat(self._pairs, dim=2).numpy()
        if self._maps:
            arrays["maps"] = torch.cat(self._maps, dim=1).float().numpy()
        return arrays


def _cosines(maps: Tensor) -> Tensor:
    """Of maps ``[M,B,C,H,W]``: float64 ``[M,M,B]``, NaN where one is zero."""
    import torch

    flat = maps.double().flatten(2)
    # In units of the peak no square is too large or too small for a number; 0/0 is NaN.
    flat = flat / flat.abs().amax(dim=2, keepdim=True)
    flat = flat / flat.norm(dim=2, keepdim=True)
    return torch.einsum("mbp,nbp->mnb", flat, flat).clamp(-1, 1)


def _spread(count: int, most: int | None) -> list[int]:
    """At most so many of ``count`` numbers from 0 on, evenly spaced, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most or count))})


@dataclass(frozen=True, eq=False)
class Aligned:
    """What a unit found.

    Attributes:
        methods: by the first axis.
        layers: the network's; their number is the highest level.
        places: levels or layers, by the second axis.
        values: float64 ``[methods,places,pictures]``, NaN where nothing arrives.
        pairs: float64 ``[methods,methods,pictures]``, empty if it was not asked for.
        maps: float32 ``[methods,shown,C,H,W]``, empty if it was not asked for.
        index: of the pictures, in the test split.
    """

    methods: tuple[str, ...]
    layers: tuple[str, ...]
    places: tuple[str, ...]
    values: NDArray[np.float64]
    pairs: NDArray[np.float64]
    maps: NDArray[np.float32]
    index: NDArray[np.int64]

    def row(self, method: str) -> int:
        """The place of a method on the first axis, by its text as it was given."""
        from peephole.attributions.methods import resolve

        return self.methods.index(resolve(method))


def read_alignment(unit: Alignment, workspace: Workspace) -> Aligned:
    """The result of a unit; needs no torch."""
    shard = workspace.read(unit)
    methods, layers, places = (tuple(shard.facts[part]) for part in ("methods", "layers", "places"))
    arrays, nothing = shard.arrays, np.empty(0)
    return Aligned(
        methods,
        layers,
        places,
        arrays["alignment"],
        arrays.get("pairs", nothing),
        arrays.get("maps", nothing),
        arrays["index"],
    )


def cascade_text(method: str, levels: int = 1) -> str:
    """The text of a cascade that has ``method`` at its top."""
    return f"cascade({method}, levels={levels})"


def alignment_unit(
    network: Mapping[str, Any],
    weights: str,
    methods: Sequence[str],
    *,
    pictures: int,
    seed: int,
    over: Over | None = None,
    most: int | None = None,
    pairs: bool = False,
    shown: int = 0,
    model: Unit | None = None,
) -> Alignment:
    """The unit of some methods and a network with some weights. Arguments are explained at `Alignment`.

    Args:
        network: has ``dataset``, ``model`` and ``model_code``, as the spec of a model's unit has.
        weights: which.
        methods: texts.
        pictures: of the test split.
        seed: of the pictures, and of what is drawn.
        over: what methods are varied over.
        most: so many places at most.
        pairs: whether to compare methods with each other, too.
        shown: pictures whose maps are kept.
        model: has the trained weights, if they enter.

    Raises:
        PeepholeError: a method does not exist, or is named twice.
    """
    from peephole.attributions.base import ATTRIBUTIONS
    from peephole.attributions.methods import digest, resolve
    from peephole.leaderboard.base import METRICS

    texts = [resolve(method) for method in methods]
    if len(set(texts)) < len(texts):
        raise PeepholeError("a method is named twice; name each once.")
    identities = [cascade_text(text) for text in texts] if over == "levels" else texts
    code = {
        "metric_code": METRICS.digest("input_alignment"),
        **({"levels_code": ATTRIBUTIONS.module_digest("peephole.attributions.cascade_levels")} if over else {}),
    }
    if weights != TRAINED:
        code["weights_code"] = ATTRIBUTIONS.module_digest("peephole.attributions.weight_distributions")
    spec = {
        **{part: network[part] for part in NETWORK},
        "weights": weights,
        "methods": [
            {"method": text, "method_code": digest(identity)} for text, identity in zip(texts, identities, strict=True)
        ],
        **code,
        "pictures": pictures,
        "seed": seed,
        "over": over,
        "most": most,
        "pairs": pairs,
        "shown": shown,
    }
    inputs: Mapping[str, Unit] = MappingProxyType({} if weights in DRAWN or model is None else {"model": model})
    what = {None: "maps", "levels": "cascades", "layers": "maps by layer"}[over]
    label = f"align {what} of {network['model']}, {weights.replace('_', ' ')} weights, seed {seed}"
    return Alignment(spec, dict(inputs), label=label)
