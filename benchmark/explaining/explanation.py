"""One picture explained: numbers and maps, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.errors import PeepholeError
from peephole.explaining.by_layer import RULE, by_layer, colour, cosine
from peephole.explaining.picture import Shown
from peephole.explaining.subject import Subject


@dataclass(frozen=True, eq=False)
class AtLayer:
    """What a layer's activation shows of the picture. Numbers are NaN where the map is zero.

    Attributes:
        layer: its name.
        map: float32 ``[C,H,W]``, signed.
        alignment: the cosine of the map and the picture as the network gets it.
        kept: the cosine with the map of the layer before; of the first, with the picture.
        attribution: the cosine with the attribution of the target.
        colour: the share of the map's energy that is not grey.
    """

    layer: str
    map: NDArray[np.float32]
    alignment: float
    kept: float
    attribution: float
    colour: float


@dataclass(frozen=True, eq=False)
class Attributed:
    """The attribution of a label by the whole network.

    Attributes:
        label: which.
        name: of the class.
        role: ``"decision"``, ``"target"`` or ``"label"``, whose it is first.
        probability: that the network gives it.
        map: float32 ``[C,H,W]``, signed.
        alignment, colour: as of `AtLayer`.
    """

    label: int
    name: str
    role: str
    probability: float
    map: NDArray[np.float32]
    alignment: float
    colour: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """A picture, explained.

    Attributes:
        image: uint8 ``[3,side,side]``.
        picture, network, method: what was explained, in words.
        layers: from the first above the input up.
        attributions: of the decision, the target and the label, each once.
        target: the label that layers are compared with the attribution of.
        truth: the picture's label if it is known.
    """

    image: NDArray[np.uint8]
    picture: str
    network: str
    method: str
    layers: tuple[AtLayer, ...]
    attributions: tuple[Attributed, ...]
    target: int
    truth: int | None

    @property
    def decision(self) -> Attributed:
        """That of what the network decides."""
        return self.attributions[0]

    @property
    def most_lost(self) -> AtLayer:
        """The layer whose map is least like that of the layer before."""
        return min(self.layers, key=lambda one: np.inf if np.isnan(one.kept) else one.kept)

    def as_json(self) -> dict[str, Any]:
        """Everything but the maps."""
        return {
            "picture": self.picture,
            "network": self.network,
            "method": self.method,
            "truth": self.truth,
            "target": self.target,
            "most_lost": self.most_lost.layer,
            "attributions": [_numbers(vars(one)) for one in self.attributions],
            "layers": [_numbers(vars(one)) for one in self.layers],
        }


def explain(
    subject: Subject, shown: Shown, *, target: int | None = None, label: int | None = None, method: str = RULE
) -> Explanation:
    """Explain a picture layer by layer.

    Args:
        subject: the network.
        shown: the picture.
        target: the label that is explained; the network's decision if not given.
        label: the true one; that of the picture if not given.
        method: a rule of one backward pass.

    Raises:
        PeepholeError: the network cannot be cut into layers, or the method is no such rule.
    """
    import torch

    from peephole.attributions.graph import canonicalise

    network = subject.network
    x = torch.from_numpy(shown.image.copy()).to(subject.device).float().div(255)[None]
    graph = canonicalise(network, (len(shown.image), subject.side, subject.side))
    if len(graph.layers) < 2:
        raise PeepholeError("the network has no layer above its input where all of it could be cut; take another.")
    with torch.no_grad():
        probability = network(x).softmax(1)[0].double().cpu()
    decision = int(probability.argmax())
    truth = shown.label if label is None else label
    asked = {"decision": decision, "target": decision if target is None else target, "label": truth}
    roles: dict[int, str] = {}
    for role, number in asked.items():
        if number is not None:
            roles.setdefault(number, role)
    found = by_layer(graph, x, [torch.tensor([number], device=subject.device) for number in roles], method)
    layers, whole = found.layer_maps[:, 0], found.whole[:, 0]
    wanted = list(roles).index(decision if target is None else target)
    before = torch.cat([found.seen, layers[:-1]])
    columns = [cosine(layers, found.seen[0]), cosine(layers, before), cosine(layers, whole[wanted]), colour(layers)]
    rows = zip(found.layers, layers.cpu().numpy(), *(each.tolist() for each in columns), strict=True)
    ends = zip(whole.cpu().numpy(), cosine(whole, found.seen[0]).tolist(), colour(whole).tolist(), strict=True)
    return Explanation(
        shown.image,
        shown.described,
        subject.described,
        method,
        tuple(AtLayer(*row) for row in rows),
        tuple(
            Attributed(number, subject.classes[number], role, float(probability[number]), *end)
            for (number, role), end in zip(roles.items(), ends, strict=True)
        ),
        decision if target is None else target,
        truth,
    )


def _numbers(parts: Mapping[str, Any]) -> dict[str, Any]:
    """All but the map, NaN as None."""
    return {
        name: None if isinstance(value, float) and value != value else value
        for name, value in parts.items()
        if name != "map"
    }
