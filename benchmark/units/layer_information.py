"""What of wrongly decided pictures a network still uses at each layer (P2, section V-A)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.costs import passes_of
from peephole.errors import PeepholeError
from peephole.seeds import stream
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from peephole.attacks.splits import Split
    from peephole.attributions.classifier import Classifier
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace

    Part = tuple[Tensor, Tensor, Tensor]
    """Places in the split, decisions, and pictures in [0,1]."""

LAYERS = 10
"""About as many layers does a network have, each of which is explained."""
EXAMPLES = 2
"""Pictures whose maps are kept."""


class LayerInformation(Unit):
    """Maps from each layer's activation, and of the whole network, on test pictures that the network gets wrong.

    Pictures are taken in a seeded random order that deals out the classes evenly; see `peephole.explaining.by_layer`.

    Spec: ``dataset``, ``model``, ``method`` (a rule of one backward pass), ``method_code`` (of what goes down from an
    activation by it), ``pictures`` (fewer if the network gets fewer wrong), ``seed`` (of the order); input: ``model``,
    a clean, twin or poisoned model.

    The shard holds, for L layers above the input and n pictures, cosines and shares as float64, NaN where a map is
    zero: ``alignment`` ``[L,n]`` with the picture as the network gets it, ``attribution`` ``[L,n]`` with the whole
    network's map for the decision, ``label_attribution`` ``[L,n]`` with that for the label, ``colour`` ``[L,n]`` not
    grey, ``whole_alignment`` and ``whole_colour`` ``[2,n]`` of the maps for the decision and for the label,
    ``picture_colour`` ``[n]``. Of the first `EXAMPLES`, ``maps`` float32 ``[L+2,e,C,H,W]`` and ``shown`` ``[e,C,H,W]``
    in [0,1]. ``label``, ``decision`` and ``index`` int64 ``[n]``; the fact ``layers`` names the layers.
    """

    kind: ClassVar[str] = "layer_information"
    version: ClassVar[int] = 1

    def cost(self) -> Cost:
        """A pass a picture and layer, and two more; some decisions until enough are wrong."""
        passes = self.spec["pictures"] * passes_of(self.spec["method"])
        return Cost(self.spec["model"], passes=5 * passes, layer_passes=passes, pictures=2 * LAYERS)

    def compute(self, workspace: Workspace) -> Shard:
        """Find pictures, and explain them batch by batch.

        Raises:
            PeepholeError: the network gets every test picture right, or the method is no rule of one backward pass.
        """
        import torch

        from peephole.attributions.graph import canonicalise
        from peephole.explaining.by_layer import by_layer, colour, cosine
        from peephole.store.shard import Shard
        from peephole.units.networks import load

        spec = self.spec
        classifier = load(self.inputs["model"], workspace)
        split = workspace.attack_data(spec["dataset"]).test
        generator = torch.Generator().manual_seed(stream("layer information", spec["seed"]))
        wrong = [torch.cat(each) for each in zip(*self._wrong(classifier, split, generator, workspace), strict=True)]
        places, decision, x = (each[: spec["pictures"]] for each in wrong)
        label = split.labels[places.to(split.labels.device)]
        side = spec["dataset"]["side"]
        graph = canonicalise(classifier, (len(classifier.normalise.mean), side, side))
        found, examples = [], []
        batch = workspace.machine.batch
        for done, part in enumerate(zip(x.split(batch), decision.split(batch), label.split(batch), strict=True)):
            pictures, *targets = part
            maps = by_layer(graph, pictures, targets, spec["method"])
            if not done:
                examples.append(torch.cat([maps.layer_maps, maps.whole])[:, :EXAMPLES].cpu().numpy())
            found.append(
                {
                    "alignment": cosine(maps.layer_maps, maps.seen),
                    "attribution": cosine(maps.layer_maps, maps.whole[0]),
                    "label_attribution": cosine(maps.layer_maps, maps.whole[1]),
                    "colour": colour(maps.layer_maps),
                    "whole_alignment": cosine(maps.whole, maps.seen),
                    "whole_colour": colour(maps.whole),
                    "picture_colour": colour(maps.seen),
                }
            )
            workspace.report(0.5 + 0.5 * min(1.0, (done + 1) * batch / len(x)))
        arrays = {name: torch.cat([part[name] for part in found], dim=-1).cpu().numpy() for name in found[0]}
        whole = {"label": label, "decision": decision, "index": places}
        arrays |= {name: values.cpu().numpy() for name, values in whole.items()}
        arrays |= {"maps": examples[0], "shown": x[:EXAMPLES].cpu().numpy()}
        return Shard(arrays, {"layers": list(graph.layers[1:]), **workspace.facts()})

    def _wrong(
        self, classifier: Classifier, split: Split, generator: Generator, workspace: Workspace
    ) -> Iterator[Part]:
        """Pictures that are decided wrongly, batch by batch until they are enough."""
        import torch

        from peephole.units.kis_sample import dealt_out

        chunks = dealt_out(split.labels.cpu(), generator).split(workspace.machine.batch)
        count, wanted = 0, self.spec["pictures"]
        for done, (places, images) in enumerate(zip(chunks, split.stream(chunks), strict=True)):
            x = images.float().div(255)
            with torch.no_grad():
                decision = classifier(x).argmax(1)
            wrong = decision != split.labels[places.to(decision.device)]
            count += int(wrong.sum())
            if wrong.any():
                yield places[wrong.cpu()], decision[wrong], x[wrong]
            if count >= wanted:
                return
            workspace.report(0.5 * max(count / wanted, (done + 1) / len(chunks)))
        if not count:
            raise PeepholeError("the network gets every test picture right: there is no failure to look at.")


@dataclass(frozen=True, eq=False)
class Information:
    """What a unit found; see `LayerInformation` for the arrays.

    Attributes:
        layers: the network's, from the first above the input up.
        arrays: by name.
    """

    layers: tuple[str, ...]
    arrays: dict[str, NDArray[np.float64]]


def read_information(unit: LayerInformation, workspace: Workspace) -> Information:
    """The result of a unit; needs no torch."""
    shard = workspace.read(unit)
    return Information(tuple(shard.facts["layers"]), dict(shard.arrays))


def information_unit(model: Unit, method: str, *, pictures: int, seed: int) -> LayerInformation:
    """The unit of a model.

    Raises:
        PeepholeError: there is no such method.
    """
    from peephole.attributions.methods import digest, resolve

    text = resolve(method)
    spec = {
        "dataset": model.spec["dataset"],
        "model": model.spec["model"],
        "method": text,
        "method_code": digest(f"from_activation({text})"),
        "pictures": pictures,
        "seed": seed,
    }
    return LayerInformation(spec, {"model": model}, label=f"follow the picture: after '{model.label}'")
