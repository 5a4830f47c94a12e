"""What a submission's process does when it is asked: load the method, take a network, explain pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from peephole.attributions.adapters.surroundings import seed_all, seed_of
from peephole.attributions.base import layers_of
from peephole.attributions.canonical import Canonical
from peephole.attributions.checked import check_maps
from peephole.errors import PeepholeError
from peephole.submissions.adapted import Adapted, NoMap, adapt
from peephole.submissions.facts import told
from peephole.submissions.loading import load
from peephole.submissions.patches import torch_as_it_is
from peephole.submissions.traces import Traces

Answer = tuple[dict[str, Any], dict[str, Tensor]]


class Service:
    """The tasks, by the names of the methods.

    Args:
        device: what to compute on.
        source: the folder with the submission's own code.
    """

    def __init__(self, device: torch.device, source: Path | None) -> None:
        self._device, self._source = device, source
        self._torch = torch_as_it_is()
        self._method: Adapted
        self._network: Canonical

    def load(self, message: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Answer:
        """``how``: see `peephole.submissions.submission.Submission.how`. Answers what the method says of itself, or
        ``unfit``: why it cannot be called as methods are.
        """
        thing = load(message["how"], self._source)
        try:
            self._method = adapt(thing, message["name"], message["how"]["options"])
        except PeepholeError as error:
            return {"unfit": str(error)}, {}
        return {"stochastic": self._method.stochastic, "layered": self._method.layered}, {}

    def network(self, message: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Answer:
        """``network``: a pickled canonical graph, which comes from the benchmark and is to be trusted."""
        data = io.BytesIO(tensors["network"].numpy().tobytes())
        self._network = torch.load(data, map_location=self._device, weights_only=False)
        return {}, {}

    def layers(self, message: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Answer:
        """The layers that the method has maps at."""
        return {"layers": list(layers_of(self._method, self._network))}, {}

    def explain(self, message: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Answer:
        """``x``, ``target``, ``layers``, ``seed``. Answers maps, channels summed but at the input, and what the call
        has left changed. With ``facts``, what is seen of the maps as well, and where they are not what they should be,
        ``refused``: why, instead of an error.
        """
        x, target = tensors["x"].to(self._device), tensors["target"].to(self._device)
        layers: list[str] = message["layers"]
        given = {"x": x.clone(), "target": target.clone()}
        seed_all(message["seed"], self._device)  # before the traces, which remember the random states
        traces = Traces(self._network, self._torch, given)
        examined = bool(message.get("facts"))
        maps: dict[str, Tensor] = {}
        refused: PeepholeError | None = None
        try:
            maps = self._explained(given["x"], given["target"], layers, message["seed"])
        except NoMap as error:
            refused = error
        changes = traces.changes(random=not self._method.stochastic)
        facts = {"facts": {layer: told(values) for layer, values in maps.items()}} if examined else {}
        try:
            if refused is not None:
                raise refused
            checked = check_maps(message["name"], maps, self._network, x, layers)
        except PeepholeError as error:
            if not examined:
                raise
            return {"changes": changes, "refused": str(error), **facts}, {}
        sent = {
            f"map/{number}": _sent(checked[layer], x, keep=layer == self._network.layers[0])
            for number, layer in enumerate(layers)
        }
        return {"changes": changes, **facts}, sent

    def _explained(self, x: Tensor, target: Tensor, layers: list[str], seed: int) -> dict[str, Tensor]:
        """Maps of all pictures; one by one if the method draws random numbers, so that its draws for a picture do not
        depend on what stands beside it.
        """
        if not self._method.stochastic:
            return self._asked(x, target, layers)
        single = []
        for picture, label in zip(x.split(1), target.split(1), strict=True):
            seed_all(seed_of(picture, seed), self._device)
            single.append(self._asked(picture, label, layers))
        return {layer: torch.cat([maps[layer] for maps in single]) for layer in layers}

    def _asked(self, x: Tensor, target: Tensor, layers: list[str]) -> dict[str, Tensor]:
        with torch.enable_grad():
            return self._method.attribute(self._network, x, target, layers)


def _sent(maps: Tensor, x: Tensor, *, keep: bool) -> Tensor:
    """What the benchmark keeps of maps: float32, channels summed except at the input."""
    summed = maps if keep else maps.sum(1, keepdim=True)
    return summed.detach().to("cpu", torch.float32)
