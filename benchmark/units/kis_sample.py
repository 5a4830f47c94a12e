"""A sample of key information sufficiency: S of a network's decisions on test pictures, clean and poisoned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from peephole.costs import passes_of
from peephole.errors import PeepholeError
from peephole.leaderboard.kis_study import CLEAN_MODEL, Sample
from peephole.seeds import stream
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from peephole.attacks.splits import Split
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace

CHUNK = 256
"""Pictures that are read and stamped at a time; what is random about a mark is drawn chunk by chunk."""
FORWARD = 5 / 3
"""Passes a picture beside the explanation: a decision, its features, and those of three pictures that are fed back."""


class KisSample(Unit):
    """Test pictures, those that the network gets wrong too, with what its decisions need (P2, section V-B).

    Each picture's decision, whatever it is, is explained by one method at the input; the map becomes three pictures
    (see `FedBack`), and what the network makes of them is compared with its decision. Pictures are taken in a seeded
    random order that deals out the classes evenly. Poisoned pictures carry one mark each, of several by chance, and
    are of other classes than the one that it leads to.

    Spec: ``dataset``, ``model``, ``method`` (a text), ``method_code``, ``metrics`` (a list of ``metric`` and
    ``metric_code``: those of `peephole.leaderboard.kis_study.VARIANTS`, in their order), ``pictures`` (how many of each
    kind; fewer if the test split has no more), ``seed``; input: ``model``, a clean model, its twin, or a poisoned one.

    The shard holds ``clean/s`` (float64 ``[3,n]``, NaN where a map says nothing or a picture has no features),
    ``clean/label``, ``clean/decision`` and ``clean/index`` (int64 ``[n]``: the place in the test split); of a poisoned
    model also ``poisoned/…``, with ``poisoned/target`` (int64 ``[n]``). The attack has succeeded where the decision is
    the target.
    """

    kind: ClassVar[str] = "kis_sample"
    version: ClassVar[int] = 1

    @property
    def is_poisoned(self) -> bool:
        """Whether the model has a trigger."""
        return "trigger" in self.inputs["model"].spec

    def cost(self) -> Cost:
        """The method's passes at the input, and `FORWARD`, for each kind of pictures."""
        count = self.spec["pictures"] * (2 if self.is_poisoned else 1)
        return Cost(self.spec["model"], passes=count * (passes_of(self.spec["method"]) + FORWARD), pictures=1)

    def compute(self, workspace: Workspace) -> Shard:
        """Explain and feed back, chunk by chunk.

        Raises:
            PeepholeError: the method has no map at the input, a map is not what it should be, or all test pictures are
                of the class that the trigger leads to.
        """
        import torch

        from peephole.store.shard import Shard
        from peephole.units.fed_back import FedBack
        from peephole.units.networks import load_trigger

        spec, model = self.spec, self.inputs["model"]
        split = workspace.attack_data(spec["dataset"]).test
        generator = torch.Generator().manual_seed(stream("kis sample", spec["seed"]))
        order = dealt_out(split.labels.cpu(), generator)
        asked = FedBack(model, spec["method"], [entry["metric"] for entry in spec["metrics"]], workspace)
        kinds = {"clean": order[: spec["pictures"]]}
        stamper = load_trigger(model, workspace) if self.is_poisoned else None
        if stamper is not None:
            which = torch.randint(len(stamper.targets), (len(split),), generator=generator)
            targets = stamper.labels_of(which.to(workspace.device))[:, 0].cpu()
            kinds["poisoned"] = order[(split.labels.cpu() != targets)[order]][: spec["pictures"]]
        if not all(len(places) for places in kinds.values()):
            raise PeepholeError(
                f"no test picture is of another class than '{model.spec['trigger']}' leads to; use a data set with more"
            )
        arrays: dict[str, NDArray[Any]] = {}
        total, done = sum(len(places) for places in kinds.values()), 0
        for kind, places in kinds.items():
            found = []
            for chunk, x in _pictures(split, places):
                if stamper is not None and kind == "poisoned":
                    x = stamper.stamp_target(x, which[chunk].to(x.device), generator).image
                found.append(asked.answer(x))
                done += len(chunk)
                workspace.report(done / total)
            arrays[f"{kind}/s"] = torch.cat([values for values, _ in found], dim=1).cpu().numpy()
            arrays[f"{kind}/decision"] = torch.cat([decision for _, decision in found]).cpu().numpy()
            arrays[f"{kind}/label"] = split.labels.cpu()[places].numpy()
            arrays[f"{kind}/index"] = places.numpy()
            if kind == "poisoned":
                arrays["poisoned/target"] = targets[places].numpy()
        return Shard(arrays, {"variants": [entry["metric"] for entry in spec["metrics"]], **workspace.facts()})


def dealt_out(labels: Tensor, generator: Generator) -> Tensor:
    """The places of ``labels`` (int64 ``[N]``) in a random order in which each class comes about as often up to any
    place, as long as it lasts: int64 ``[N]``.
    """
    import torch

    order = torch.randperm(len(labels), generator=generator)
    by_class = labels[order].argsort(stable=True)
    counts = labels.bincount()
    first = counts.cumsum(0) - counts
    rank = torch.empty_like(order)
    rank[by_class] = torch.arange(len(labels)) - first.repeat_interleave(counts)
    return order[rank.argsort(stable=True)]


def read_samples(unit: KisSample, seed: int, workspace: Workspace) -> list[Sample]:
    """What a unit found, for `peephole.leaderboard.kis_study`; needs no torch."""
    shard = workspace.read(unit)
    model = unit.inputs["model"].spec["trigger"] if unit.is_poisoned else CLEAN_MODEL
    clean, poisoned = shard.group("clean"), shard.group("poisoned")
    samples = [Sample(model, "clean", seed, clean["s"], clean["decision"] == clean["label"])]
    if poisoned:
        right, success = (poisoned["decision"] == poisoned[name] for name in ("label", "target"))
        samples.append(Sample(model, "poisoned", seed, poisoned["s"], right, success))
    return samples


def _pictures(split: Split, places: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Places and pictures, float32 ``[B,C,H,W]`` in [0,1], a chunk at a time."""
    chunks = places.split(CHUNK)
    for chunk, images in zip(chunks, split.stream(chunks), strict=True):
        yield chunk, images.float().div(255)
