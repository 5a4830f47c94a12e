"""Scores on their way into a shard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from peephole.leaderboard.base import Metric, Scored
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace


class ScoreArrays:
    """The arrays of the shard of a `Scores` unit, filled in pieces.

    They are made at once: thousands of small tensors that outlive the large ones around them would keep the process
    from giving memory back.

    Args:
        metrics: by their texts.
        layers: of the maps.
        count: how many pictures are scored.
    """

    def __init__(self, metrics: Mapping[str, Metric], layers: Sequence[str], count: int) -> None:
        self._metrics, self._layers, self._count = metrics, list(layers), count
        by_map, by_picture = (len(metrics), len(layers), count), (len(metrics), count)
        self._arrays: dict[str, NDArray[Any]] = {
            "value": np.empty(by_map),
            "valid": np.empty(by_map, dtype=np.bool_),
            "chance": np.empty(by_picture),
            "best": np.empty(by_picture),
            "scored": np.ones(by_picture, dtype=np.bool_),
        }
        self._curves: dict[str, NDArray[np.float16]] = {}

    def put(self, layer: str, first: int, found: Mapping[str, Scored]) -> None:
        """Keep what the metrics say of a layer's maps of some pictures, from the one at place ``first`` on."""
        row = self._layers.index(layer)
        for place, (name, metric) in enumerate(self._metrics.items()):
            scored = found[name]
            some = slice(first, first + len(scored.value))
            self._arrays["value"][place, row, some] = scored.value.cpu().numpy()
            self._arrays["valid"][place, row, some] = scored.valid.cpu().numpy()
            self._arrays["chance"][place, some] = scored.chance.cpu().numpy()
            self._arrays["best"][place, some] = metric.best if scored.best is None else scored.best.cpu().numpy()
            if scored.scored is not None:
                self._arrays["scored"][place, some] = scored.scored.cpu().numpy()
            if scored.curve is not None:
                self._of(name, scored.curve.shape[1])[row, some] = scored.curve.cpu().numpy()

    def shard(self, workspace: Workspace) -> Shard:
        """All of it, with what a board needs to know of the metrics without importing them."""
        from peephole.store.shard import Shard

        metrics = [
            {"metric": name, "direction": metric.direction, "core": metric.core}
            for name, metric in self._metrics.items()
        ]
        facts = {"layers": self._layers, "metrics": metrics, "curves": list(self._curves)}
        curves = {"curve": np.stack(list(self._curves.values()))} if self._curves else {}
        return Shard({**self._arrays, **curves}, {**facts, **workspace.facts()})

    def _of(self, metric: str, points: int) -> NDArray[np.float16]:
        """The curves of a metric that has some, float16 ``[L,N,G]``."""
        if metric not in self._curves:
            self._curves[metric] = np.empty((len(self._layers), self._count, points), dtype=np.float16)
        return self._curves[metric]
