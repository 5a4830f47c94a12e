"""One backdoor of a finished run: its pictures, its networks and what methods say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from peephole.attributions.classifier import Classifier
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.errors import PeepholeError
from peephole.leaderboard.base import CALIBRATION, Probes
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.relevance import to_picture
from peephole.machine import Machine
from peephole.plan import Backdoor, Plan
from peephole.store.store import Store
from peephole.triggers.texts import name_of
from peephole.units.networks import examined, load
from peephole.units.probe_set import read_probes
from peephole.workspace import Workspace

STEPS = 32
"""Of curves: as many as suites have that do not save minutes."""


class Finished:
    """A run whose results lie in ``folder``."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.workspace = Workspace(Store(folder / "store"), Machine("cpu"))

    def exhibit(self, trigger: str) -> Exhibit:
        """The first seed's backdoor of a trigger, given by its name without options."""
        for backdoor in self.plan.backdoors:
            if name_of(backdoor.trigger) == trigger and backdoor.seed == 0:
                return Exhibit(self, backdoor)
        raise PeepholeError(f"the run has no backdoor '{trigger}'; use one of the suite quick as it is")


class Exhibit:
    """A backdoor and the pictures that its scores are reported on."""

    def __init__(self, run: Finished, backdoor: Backdoor) -> None:
        self.backdoor = backdoor
        self._run = run

    @cached_property
    def examined(self) -> Examined:
        """The poisoned network as metrics see it."""
        return examined(self.backdoor.model, self._run.workspace, STEPS)

    @cached_property
    def poisoned(self) -> Classifier:
        """The poisoned network as methods see it."""
        return load(self.backdoor.model, self._run.workspace)

    @cached_property
    def twin(self) -> Classifier:
        """The clean twin."""
        return load(self.backdoor.model.inputs["twin"], self._run.workspace)

    @cached_property
    def probes(self) -> Probes:
        """The reported pictures, with the network and with the numbers that they have in the run."""
        every = read_probes(self.backdoor.probes, self._run.workspace)
        numbered = replace(every, number=torch.arange(len(every.image)), network=self.examined, levels={})
        return part(numbered, self._places)

    @property
    def side(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        height, width = self.probes.image.shape[-2:]
        return height, width

    def relevance(self, method: str, layer: str = "input") -> Tensor:
        """The signed maps of a method or of a calibration row as metrics get them, float64 ``[N,T,H,W]``."""
        if method in CALIBRATION:
            every = read_probes(self.backdoor.probes, self._run.workspace)
            return CALIBRATION[method]().maps(every, self.backdoor.seed)[self._places].double()
        return to_picture(self.maps(method, layer), self.side)

    def maps(self, method: str, layer: str = "input") -> Tensor:
        """The maps of a method as they are stored, ``[N,T,c,h,w]``; ``last`` is the last layer."""
        for row in self._run.plan.rows:
            if row.backdoor is self.backdoor and row.method == method:
                layers = self._run.workspace.read(row.maps).group("maps")
                name = list(layers)[-1] if layer == "last" else layer
                return torch.from_numpy(layers[name])[self._places]
        raise PeepholeError(f"the run has no maps of '{method}'; use one of the suite quick as it is")

    def explain(self, method: str, network: nn.Module, count: int, layer: str = "input") -> Tensor:
        """A method's maps of any network, for the first ``count`` reported pictures and all their targets, as metrics
        get them: float64 ``[count,T,H,W]``. What does not ask a network is as on the poisoned one.
        """
        if method in CALIBRATION:
            return self.relevance(method)[:count]
        image, target = self.probes.image[:count], self.probes.target[:count]
        targets = target.shape[1]
        graph = canonicalise(network, (image.shape[1], *self.side))
        name = graph.layers[-1] if layer == "last" else layer
        found = build(method).attribute(graph, image.repeat_interleave(targets, 0), target.flatten(), [name])
        return to_picture(found[name].detach().unflatten(0, (count, targets)), self.side)

    @cached_property
    def _places(self) -> Tensor:
        return torch.from_numpy(~self._run.workspace.read(self.backdoor.probes).arrays["selection"]).nonzero()[:, 0]


def part(probes: Probes, places: Tensor | Sequence[int]) -> Probes:
    """Some of the pictures."""
    index = torch.as_tensor(places)
    taken: dict[str, Any] = {
        field.name: value[index] for field in fields(probes) if isinstance(value := getattr(probes, field.name), Tensor)
    }
    return replace(probes, **taken)
