"""Probes and maps in pieces of bounded size: memory does not grow with the number of pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from peephole.units.base import Unit
from peephole.units.probe_set import covered, share_of

if TYPE_CHECKING:
    from torch import Tensor

    from peephole.leaderboard.base import Probes
    from peephole.workspace import Workspace

PIXELS = 1 << 18
"""Of the maps of one layer in a piece; a metric needs about a hundred bytes for each."""


@dataclass(frozen=True)
class Piece:
    """Some pictures of a probe set.

    Attributes:
        places: int64 ``[n]``, where they are among the pictures of the probe set, ascending.
        probes: the pictures.
    """

    places: NDArray[np.int64]
    probes: Probes


def pieces(probe_set: Unit, workspace: Workspace, share: float = 1.0) -> Iterator[Piece]:
    """A probe set, or the share of it that is `covered`, piece by piece.

    Args:
        probe_set: what to read.
        workspace: to read it with.
        share: in (0,1].
    """
    shard = workspace.open(probe_set)
    places = covered(shard.read("selection"), share)
    parts = math.ceil(len(places) * math.prod(shard.shape("exact")[1:]) / PIXELS)
    for part in np.array_split(places, parts):
        key = ("probes", probe_set.digest, share, int(part[0]))
        yield Piece(part, workspace.keep(key, partial(_probes, probe_set, workspace, part)))


def picture_count(probe_set: Unit, workspace: Workspace, share: float = 1.0) -> int:
    """How many pictures all `pieces` have together."""
    return len(covered(workspace.open(probe_set).read("selection"), share))


def _probes(probe_set: Unit, workspace: Workspace, places: NDArray[np.int64]) -> Probes:
    import torch

    from peephole.leaderboard.base import Probes

    shard = workspace.open(probe_set)
    known = {field.name for field in fields(Probes)}.intersection(shard.names)
    values: dict[str, Any] = dict.fromkeys(("mask", "soft"))
    values |= {name: torch.from_numpy(shard.take(name, places)).to(workspace.device) for name in known}
    return Probes(**values, number=torch.from_numpy(places).to(workspace.device))


def maps_of(maps: Unit, layer: str, places: NDArray[np.int64], workspace: Workspace) -> Tensor:
    """The maps at a layer of the pictures at ``places`` of the probe set, float32 ``[n,T,c,h,w]``."""
    import torch

    selection = workspace.open(maps.inputs["probes"]).read("selection")
    there = np.searchsorted(covered(selection, share_of(maps)), places)
    return torch.from_numpy(workspace.open(maps).take(f"maps/{layer}", there)).to(workspace.device)
