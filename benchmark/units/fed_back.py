"""A network's decisions explained, and what it makes of the explanations alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from peephole.attributions.base import layers_of
from peephole.attributions.checked import check_maps
from peephole.attributions.classifier import Classifier
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.question import Question
from peephole.errors import PeepholeError
from peephole.leaderboard.key_information import KeyInformation
from peephole.leaderboard.texts import NAMING
from peephole.units.base import Unit
from peephole.units.networks import examined, load
from peephole.workspace import Workspace


class FedBack:
    """S of a network's decisions, whatever they are, by several metrics.

    Args:
        model: the unit of the network.
        text: the method that explains it, as `peephole.attributions.methods.build` takes it.
        metrics: texts of metrics that are made of `KeyInformation`.
        workspace: to read the network with.

    Raises:
        PeepholeError: the method has no map at the input, or a metric feeds nothing back.
    """

    def __init__(self, model: Unit, text: str, metrics: Sequence[str], workspace: Workspace) -> None:
        classifier: Classifier = load(model, workspace)
        side = model.spec["dataset"]["side"]
        self._graph = canonicalise(classifier, (len(classifier.normalise.mean), side, side))
        self._text, self._method = text, build(text)
        self._layer = self._graph.layers[0]
        if self._layer not in layers_of(self._method, self._graph):
            raise PeepholeError(
                f"{text} has no map at the {self._layer}, which is what is fed back; choose a method that has one, "
                "such as guided_backprop."
            )
        self._metrics = tuple(_metric(each) for each in metrics)
        self._network = examined(model, workspace, steps=1)
        self._batch = workspace.machine.batch

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Explain pictures and feed back what the metrics make of it.

        Args:
            x: float32 ``[B,C,H,W]`` in [0,1].

        Returns:
            S float64 ``[M,B]``, NaN where a map says nothing or a picture has no features, and the decisions int64
            ``[B]``.
        """
        parts = [self._part(part) for part in x.split(self._batch)]
        return torch.cat([values for values, _ in parts], dim=1), torch.cat([decision for _, decision in parts])

    def _part(self, x: Tensor) -> tuple[Tensor, Tensor]:
        decision = self._network.decisions(x)
        maps = self._explain(x, decision)
        features = self._network.weighted_features(self._network.normalise(x))
        some = features.abs().sum(dim=1) > 0
        values = []
        for metric in self._metrics:
            value, says = metric.sufficiency(maps, x, self._network, features)
            values.append(value.where(says & some, torch.nan))
        return torch.stack(values), decision

    def _explain(self, x: Tensor, decision: Tensor) -> Tensor:
        """The method's maps at the input, in as many parts as fit in memory."""
        try:
            maps = Question(self._graph, x, decision, (self._layer,)).maps(self._method)
        except torch.OutOfMemoryError as error:
            if len(x) == 1:
                raise PeepholeError(
                    f"{self._text} does not fit in the memory of {x.device}: not one picture."
                ) from error
        else:
            return check_maps(self._text, maps, self._graph, x, (self._layer,))[self._layer].detach()
        halves = zip(x.tensor_split(2), decision.tensor_split(2), strict=True)
        return torch.cat([self._explain(*half) for half in halves])


def _metric(text: str) -> KeyInformation:
    metric = NAMING.build(text)
    if not isinstance(metric, KeyInformation):
        raise PeepholeError(f"{text} feeds nothing back; expected kis, insertion or insertion_abs.")
    return metric
