"""P1's metrics by what the network loses with each part of the trigger, beside the trigger as it was stamped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.certificates import success_lost
from peephole.errors import PeepholeError
from peephole.leaderboard.layer_order import network_order
from peephole.units.base import Cost, Unit
from peephole.units.pieces import maps_of, pieces
from peephole.units.probe_set import covered, selection_of, share_of

if TYPE_CHECKING:
    from torch import Tensor

    from peephole.leaderboard.base import Probes, Scored
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace

SHARE, FILLING = "weighted_share", "weighted_filling"
KINDS: Mapping[str, str] = MappingProxyType(
    {"class_sensitivity": SHARE, "fine_grained": SHARE, "completeness": FILLING}
)
"""The weighted form of each metric, see `peephole.leaderboard.weighted_truth`."""


class MeasuredScores(Unit):
    """A metric of stored maps, with the stamped truth and with the measured one.

    The measured truth weighs each pixel of the mask by what the attack's success loses, by the model's certificate,
    when the cell of the mark nearest to the pixel is restored (`peephole.leaderboard.weighted_truth.pixel_weights`).

    Spec: ``model``, ``metric`` and ``methods`` (texts); inputs: ``probes``, ``poisoned`` and, for each method by its
    place, ``maps 0``, ``maps 1`` ….

    The shard holds ``value`` float64 ``[2,M,L,N]``, stamped first, of the N pictures of the probe set that are
    reported; NaN where a method has no map of the picture or at the layer; ``lost`` float64 ``[T,C]``, the success lost
    by target and cell, NaN where no mark fills the cell; and the fact ``layers``.
    """

    kind: ClassVar[str] = "measured_scores"
    version: ClassVar[int] = 1

    def cost(self) -> Cost:
        """A few sums a map."""
        return Cost(self.spec["model"], passes=0, pictures=1)

    def compute(self, workspace: Workspace) -> Shard:
        """Read the maps piece by piece and score them twice.

        Raises:
            PeepholeError: the trigger has no mask.
        """
        import torch

        from peephole.leaderboard import weighted_truth
        from peephole.leaderboard.relevance import to_picture
        from peephole.store.shard import Shard

        score: Callable[[Tensor, Tensor], Scored] = getattr(weighted_truth, KINDS[self.spec["metric"]])
        maps = [self.inputs[f"maps {place}"] for place in range(len(self.spec["methods"]))]
        paths = [list(workspace.open(one).group("maps")) for one in maps]
        layers = network_order(paths)
        selection = selection_of(self.inputs["probes"], workspace)
        reported = np.flatnonzero(~selection)
        lost = self._lost(workspace)
        value = np.full((2, len(maps), len(layers), len(reported)), np.nan)
        there = [covered(selection, share_of(one)) for one in maps]
        done = 0
        for piece in pieces(self.inputs["probes"], workspace):
            height, width = piece.probes.image.shape[2:]
            weights = _truths(piece.probes, torch.from_numpy(lost).to(workspace.device))
            for row, (one, path) in enumerate(zip(maps, paths, strict=True)):
                chosen = np.isin(piece.places, np.intersect1d(reported, there[row]))
                if not chosen.any():
                    continue
                columns = np.searchsorted(reported, piece.places[chosen])
                kept = torch.from_numpy(np.flatnonzero(chosen)).to(workspace.device)
                for layer in path:
                    found = maps_of(one, layer, piece.places[chosen], workspace)
                    relevance = to_picture(found, (height, width))
                    for truth, weight in enumerate(weights):
                        scored = score(relevance, weight[kept])
                        value[truth, row, layers.index(layer), columns] = scored.value.cpu().numpy()
            done += len(piece.places)
            workspace.report(done / len(selection))
        return Shard({"value": value, "lost": lost}, {"layers": layers, **workspace.facts()})

    def _lost(self, workspace: Workspace) -> NDArray[np.float64]:
        model = self.inputs["poisoned"]
        targets = workspace.store.facts(model.kind, model.digest)["certificate"]["targets"]
        return np.stack([success_lost(target).ravel() for target in targets])


def _truths(probes: Probes, lost: Tensor) -> tuple[Tensor, Tensor]:
    """The stamped truth and the measured one, float64 ``[N,T,H,W]``."""
    from peephole.leaderboard.weighted_truth import pixel_weights

    if probes.mask is None or probes.exact is None:
        raise PeepholeError("the trigger has no edge, so that its parts cannot be told from the rest of the picture")
    grid = round(lost.shape[1] ** 0.5)
    return probes.inside, pixel_weights(probes.mask, nearest_cells(probes.exact, grid), lost)


def nearest_cells(exact: Tensor, grid: int) -> Tensor:
    """The cell of the mark (see `peephole.triggers.cells.cells`) that is nearest to each pixel.

    Args:
        exact: bool ``[N,T,H,W]``, the pixels that a mark covers; at least one a picture and target.
        grid: cells a side.

    Returns:
        int64 ``[N,T,H,W]``.
    """
    import torch
    from scipy.ndimage import distance_transform_edt

    from peephole.triggers.cells import cells

    # Most marks are the same in every picture.
    marks, which = exact.flatten(0, 1).unique(dim=0, return_inverse=True)
    own = cells(marks, grid).cpu().numpy()
    found = []
    for cell, mark in zip(own, marks.cpu().numpy(), strict=True):
        rows, columns = distance_transform_edt(~mark, return_distances=False, return_indices=True)
        found.append(torch.from_numpy(cell[rows, columns]))
    nearest: Tensor = torch.stack(found).to(exact.device)[which].unflatten(0, exact.shape[:2])
    return nearest


def measured_scores(metric: str, methods: Sequence[str], maps: Sequence[Unit], poisoned: Unit) -> MeasuredScores:
    """The unit of a poisoned model.

    Args:
        metric: of P1, that is in `KINDS`.
        methods: texts.
        maps: of each method on the same probes of the model.
        poisoned: the model.
    """
    spec = {"model": poisoned.spec["model"], "metric": metric, "methods": list(methods)}
    inputs = {f"maps {place}": one for place, one in enumerate(maps)}
    label = f"score by the measured truth: {metric} on {poisoned.spec['trigger']}, seed {poisoned.spec['seed']}"
    return MeasuredScores(spec, {"probes": maps[0].inputs["probes"], "poisoned": poisoned, **inputs}, label=label)
