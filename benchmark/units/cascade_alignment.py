"""Input alignment of cascade substitution: of rules mixed with the gradient at every depth (P2, section IV-A)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from peephole.costs import passes_of
from peephole.errors import PeepholeError
from peephole.seeds import stream
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from torch import Tensor

    from peephole.attributions.canonical import Canonical
    from peephole.attributions.classifier import Classifier
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace


class CascadeAlignment(Unit):
    """The cosine of what arrives at the input and x as the network gets it, for ``cascade(METHOD, levels=N)``.

    N goes from 0, the plain gradient, to the number of the network's layers, the method alone. Test pictures, in a
    seeded random order that deals out the classes evenly; the label explained is the network's own decision. Random
    weights are those of `peephole.attributions.randomised.randomised`, all stages at once: independent and normal, as
    P2's theorem 1 has them, no biases, batch normalisation that changes nothing.

    Spec: ``dataset``, ``model``, ``methods`` (a list of ``method``, a rule of one backward pass, and ``method_code``,
    that of the cascade made of it), ``metric_code``, ``weights`` (``"trained"`` or ``"random"``),
    ``randomisation_code`` if they are random, ``pictures`` (fewer if the test split has no more), ``seed`` (of the
    pictures and of random weights); input: ``model``, a clean, twin or poisoned model.

    The shard holds ``alignment`` float64 ``[methods,N+1,pictures]``, NaN where nothing arrives, and ``index`` int64
    ``[pictures]``, the places in the test split; the facts ``methods`` and ``layers`` say what the axes are.
    """

    kind: ClassVar[str] = "cascade_alignment"
    version: ClassVar[int] = 1

    def cost(self) -> Cost:
        """A pass a picture, method and level."""
        passes = self.spec["pictures"] * sum(passes_of(entry["method"]) for entry in self.spec["methods"])
        return Cost(self.spec["model"], passes=passes, layer_passes=passes, pictures=1)

    def compute(self, workspace: Workspace) -> Shard:
        """Explain by every mixture, batch by batch.

        Raises:
            PeepholeError: a method cannot be mixed with the gradient.
        """
        import torch

        from peephole.attributions.graph import canonicalise
        from peephole.attributions.randomised import randomised, stages
        from peephole.store.shard import Shard
        from peephole.units.kis_sample import dealt_out
        from peephole.units.networks import load

        spec = self.spec
        classifier = load(self.inputs["model"], workspace)
        if spec["weights"] == "random":
            classifier = cast("Classifier", randomised(classifier, stages(classifier), spec["seed"]))
        split = workspace.attack_data(spec["dataset"]).test
        generator = torch.Generator().manual_seed(stream("cascade alignment", spec["seed"]))
        places = dealt_out(split.labels.cpu(), generator)[: spec["pictures"]]
        side = spec["dataset"]["side"]
        graph = canonicalise(classifier, (len(classifier.normalise.mean), side, side))
        chunks = places.split(workspace.machine.batch)
        found = []
        for done, images in enumerate(split.stream(chunks)):
            found.append(self._alignment(classifier, graph, images.float().div(255)))
            workspace.report((done + 1) / len(chunks))
        arrays = {"alignment": torch.cat(found, dim=2).cpu().numpy(), "index": places.numpy()}
        methods = [entry["method"] for entry in spec["methods"]]
        return Shard(arrays, {"methods": methods, "layers": list(graph.layers), **workspace.facts()})

    def _alignment(self, classifier: Classifier, graph: Canonical, x: Tensor) -> Tensor:
        """Float64 ``[methods,N+1,B]`` of pictures ``[B,C,H,W]`` in [0,1]."""
        import torch

        from peephole.attributions.methods import build
        from peephole.attributions.question import Question
        from peephole.leaderboard.base import METRICS, MapMetric, Probes
        from peephole.leaderboard.examined import Examined

        metric = METRICS["input_alignment"]()
        assert isinstance(metric, MapMetric)
        with torch.no_grad():
            decision = classifier(x).argmax(1)
        everywhere = torch.ones_like(x[:, :1], dtype=torch.bool)
        network = Examined(classifier.normalise, classifier.network)
        probes = Probes(x, x, everywhere, everywhere, decision[:, None], network=network)
        layer = graph.layers[0]
        question = Question(graph, x, decision, (layer,))

        def score(text: str) -> Tensor:
            maps = question.maps(build(text))[layer].detach()
            scored = metric.score(maps[:, None].double(), probes)
            return scored.value.where(scored.valid, torch.nan)

        levels = range(len(graph.layers) + 1)
        return torch.stack(
            [
                torch.stack([score(cascade_text(entry["method"], number)) for number in levels])
                for entry in self.spec["methods"]
            ]
        )


@dataclass(frozen=True, eq=False)
class Alignment:
    """What a unit found.

    Attributes:
        methods: by the first axis.
        layers: the network's, whose number is the highest level.
        values: float64 ``[methods,N+1,pictures]``, NaN where nothing arrives.
    """

    methods: tuple[str, ...]
    layers: tuple[str, ...]
    values: NDArray[np.float64]


def read_alignment(unit: CascadeAlignment, workspace: Workspace) -> Alignment:
    """The result of a unit; needs no torch."""
    shard = workspace.read(unit)
    return Alignment(tuple(shard.facts["methods"]), tuple(shard.facts["layers"]), shard.arrays["alignment"])


def cascade_text(method: str, levels: int = 1) -> str:
    """The text of a cascade that has ``method`` at its top."""
    return f"cascade({method}, levels={levels})"


def cascade_units(model: Unit, methods: list[str], *, pictures: int, seed: int) -> tuple[CascadeAlignment, ...]:
    """The units of a model with the weights that it has, and with random ones.

    Args:
        model: a clean, twin or poisoned model.
        methods: texts.
        pictures: of the test split.
        seed: see `CascadeAlignment`.

    Raises:
        PeepholeError: a method does not exist, or is no rule of one backward pass.
    """
    from peephole.attributions.base import ATTRIBUTIONS
    from peephole.attributions.methods import build, digest, resolve
    from peephole.leaderboard.base import METRICS

    texts = [resolve(method) for method in methods]
    if len(set(texts)) < len(texts):
        raise PeepholeError("a method is named twice; name each once.")
    for text in texts:
        build(cascade_text(text))
    spec = {
        "dataset": model.spec["dataset"],
        "model": model.spec["model"],
        "methods": [{"method": text, "method_code": digest(cascade_text(text))} for text in texts],
        "metric_code": METRICS.digest("input_alignment"),
        "pictures": pictures,
        "seed": seed,
    }
    code = ATTRIBUTIONS.module_digest("peephole.attributions.randomised")
    kinds = ({"weights": "trained"}, {"weights": "random", "randomisation_code": code})
    return tuple(
        CascadeAlignment({**spec, **kind}, {"model": model}, label=f"align cascades, {kind['weights']} weights")
        for kind in kinds
    )
