"""How much of a map lies within the object's box, on pictures without any trigger (P1, table 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from peephole.costs import passes_of
from peephole.seeds import stream
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from torch import Tensor

    from peephole.attributions.canonical import Canonical
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace

CHUNK = 256
"""Pictures that are looked through at a time."""
Layer = Literal["input", "last"]


class BoxScores(Unit):
    """The energy-based pointing game with boxes of objects: the metric `ebpg`, the box being the truth.

    Test pictures that the network gets right, explained for their class, in a seeded random order that deals out the
    classes evenly; as the metric does, those are passed over that have no box, or one over more than half of the
    picture.

    Spec: ``dataset``, ``model``, ``methods`` (a list of ``method``, ``method_code`` and ``layer``, ``"input"`` or
    ``"last"``), ``metric_code``, ``pictures`` (fewer if the test split has no more), ``seed``; input: ``model``.

    The shard holds ``value`` and ``chance`` float64 ``[methods,n]`` and ``[n]``, ``valid`` bool ``[methods,n]`` and
    ``index`` int64 ``[n]``, the places in the test split; the fact ``boxes`` says whether the data set has any: if not,
    n is 0.
    """

    kind: ClassVar[str] = "box_scores"
    version: ClassVar[int] = 1

    def cost(self) -> Cost:
        """The methods' passes, and a third of one to see which pictures are right."""
        passes = sum(passes_of(entry["method"]) for entry in self.spec["methods"]) + 1
        return Cost(self.spec["model"], passes=self.spec["pictures"] * passes, pictures=1)

    def compute(self, workspace: Workspace) -> Shard:
        """Choose pictures, and explain them batch by batch."""
        import torch

        from peephole.attributions.graph import canonicalise
        from peephole.store.shard import Shard
        from peephole.units.networks import load

        spec = self.spec
        boxes = workspace.pictures(spec["dataset"], "test").boxes
        facts = {"boxes": boxes is not None, **workspace.facts()}
        shape = (len(spec["methods"]), 0)
        arrays: dict[str, list[NDArray[Any]]] = {
            "value": [np.empty(shape)],
            "valid": [np.empty(shape, dtype=np.bool_)],
            "chance": [np.empty(0)],
            "index": [np.empty(0, dtype=np.int64)],
        }
        if boxes is not None:
            classifier = load(self.inputs["model"], workspace)
            side = spec["dataset"]["side"]
            graph = canonicalise(classifier, (len(classifier.normalise.mean), side, side))
            places = self._places(torch.from_numpy(boxes), workspace)
            split = workspace.attack_data(spec["dataset"]).test
            chunks = places.split(workspace.machine.batch)
            for done, (chunk, images) in enumerate(zip(chunks, split.stream(chunks), strict=True)):
                label = split.labels[chunk.to(split.labels.device)]
                inside = within(torch.from_numpy(boxes)[chunk], (side, side)).to(images.device)
                value, valid, chance = self._scores(graph, images.float().div(255), label, inside)
                found = {"value": value, "valid": valid, "chance": chance, "index": chunk}
                for name, values in found.items():
                    arrays[name].append(values.cpu().numpy())
                workspace.report((done + 1) / len(chunks))
        return Shard({name: np.concatenate(parts, axis=-1) for name, parts in arrays.items()}, facts)

    def _places(self, boxes: Tensor, workspace: Workspace) -> Tensor:
        """Where the pictures are in the test split, int64 ``[n]``."""
        import torch

        from peephole.attacks.predicting import predict
        from peephole.leaderboard.metrics.ebpg import LARGEST
        from peephole.units.kis_sample import dealt_out
        from peephole.units.networks import load

        classifier = load(self.inputs["model"], workspace)
        split = workspace.attack_data(self.spec["dataset"]).test
        generator = torch.Generator().manual_seed(stream("box scores", self.spec["seed"]))
        order = dealt_out(split.labels.cpu(), generator)
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / self.spec["dataset"]["side"] ** 2
        order = order[((area > 0) & (area <= LARGEST))[order]]
        found = [order[:0]]
        chunks = order.split(CHUNK)
        for chunk, images in zip(chunks, split.stream(chunks), strict=True):
            right = predict(classifier, images.float().div(255)) == split.labels[chunk.to(split.labels.device)]
            found.append(chunk[right.cpu()])
            if sum(map(len, found)) >= self.spec["pictures"]:
                break
        return torch.cat(found)[: self.spec["pictures"]]

    def _scores(self, graph: Canonical, x: Tensor, label: Tensor, inside: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Value and valid ``[methods,B]``, and chance ``[B]``, of pictures ``[B,C,H,W]`` in [0,1]."""
        import torch

        from peephole.attributions.checked import check_maps
        from peephole.attributions.methods import build
        from peephole.attributions.question import Question
        from peephole.leaderboard.base import METRICS, MapMetric, Probes
        from peephole.leaderboard.relevance import to_picture

        metric = METRICS["ebpg"]()
        assert isinstance(metric, MapMetric)
        probes = Probes(x, x, inside[:, None], inside[:, None], label[:, None])
        question = Question(graph, x, label, (graph.layers[0],))
        found = []
        for entry in self.spec["methods"]:
            layer = graph.layers[0 if entry["layer"] == "input" else -1]
            method = build(entry["method"])
            maps = check_maps(entry["method"], question.maps(method, (layer,)), graph, x, (layer,))[layer]
            found.append(metric.score(to_picture(maps[:, None].detach(), (x.shape[2], x.shape[3])), probes))
            question.forget(method, (layer,))
        value, valid = (torch.stack([getattr(scored, part) for scored in found]) for part in ("value", "valid"))
        return value, valid, found[0].chance


def within(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes int64 ``[n,4]`` (left, top, right, bottom; the last two exclusive) as masks, bool ``[n,H,W]``."""
    import torch

    left, top, right, bottom = (side[:, None] for side in boxes.unbind(1))
    row, column = torch.arange(size[0]), torch.arange(size[1])
    down, across = (row >= top) & (row < bottom), (column >= left) & (column < right)
    return down[:, :, None] & across[:, None, :]


def box_scores(model: Unit, methods: Sequence[tuple[str, Layer]], *, pictures: int) -> BoxScores:
    """The unit of a clean model.

    Args:
        model: the clean model.
        methods: texts, and the layer at which each is taken.
        pictures: of the test split.

    Raises:
        PeepholeError: a method does not exist.
    """
    from peephole.attributions.methods import digest, resolve
    from peephole.leaderboard.base import METRICS

    spec = {
        "dataset": model.spec["dataset"],
        "model": model.spec["model"],
        "methods": [{"method": resolve(text), "method_code": digest(text), "layer": layer} for text, layer in methods],
        "metric_code": METRICS.digest("ebpg"),
        "pictures": pictures,
        "seed": model.spec["seed"],
    }
    return BoxScores(spec, {"model": model}, label=f"score maps by the objects' boxes: after '{model.label}'")
