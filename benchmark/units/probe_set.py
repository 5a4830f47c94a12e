"""The probe set: the stamped test pictures on which explanations are scored, with their truth."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.errors import PeepholeError
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

    from peephole.leaderboard.base import Probes
    from peephole.store.shard import Shard
    from peephole.triggers.stamper import Stamper
    from peephole.workspace import Workspace

CHUNK = 512


class ProbeSet(Unit):
    """Test pictures on which the backdoor is the reason for the decision.

    A picture qualifies if the clean twin and the poisoned model both get it right without the trigger, its class is
    no target of its marks, each of its marks alone turns the decision into its target, and there is a truth about it:
    InputAware may mask nothing. Qualifying pictures are taken in a seeded random order.

    Spec: ``dataset``, ``model``, ``trigger``, ``trigger_code``, ``report``, ``selection``, ``seed``; inputs:
    ``poisoned`` and ``twin``. The shard holds ``image``, ``clean`` (float32 ``[N,C,H,W]``), ``exact`` (bool
    ``[N,T,H,W]``), ``target`` (int64 ``[N,T]``), ``label``, ``index`` (int64 ``[N]``, class and place in the
    test split) and ``selection`` (bool ``[N]``: kept for choosing layers, out of every reported number), ``mask``
    (bool ``[N,T,H,W]``) if the trigger has an edge and ``soft`` (float32 ``[N,T,H,W]``) if it is graded, and the
    facts ``qualified`` and ``tested``: how many of how many pictures qualify.
    """

    kind: ClassVar[str] = "probe_set"
    version: ClassVar[int] = 2

    def cost(self) -> Cost:
        """About one forward pass for the twin, one for the model, one for each mark: a third of a training pass."""
        wanted = probe_count(self)
        return Cost(self.spec["model"], passes=2 * max(CHUNK, wanted), pictures=2 * wanted)

    def compute(self, workspace: Workspace) -> Shard:
        """Walk through the test split until enough pictures qualify.

        Raises:
            PeepholeError: too few qualify to report anything.
        """
        import torch

        from peephole.store.shard import Shard
        from peephole.units.networks import load, load_trigger

        spec = self.spec
        split = workspace.attack_data(spec["dataset"]).test
        poisoned, twin = (load(self.inputs[role], workspace) for role in ("poisoned", "twin"))
        stamper = load_trigger(self.inputs["poisoned"], workspace)
        wanted = probe_count(self)
        generator = torch.Generator().manual_seed(spec["seed"])
        batches = torch.randperm(len(split), generator=generator).split(CHUNK)
        found: list[dict[str, Tensor]] = []
        tested = qualified = 0
        for index, images in zip(batches, split.stream(batches), strict=True):
            label = split.labels[index.to(split.labels.device)]
            probes, good = _candidates(images.float().div(255), label, poisoned, twin, stamper, generator)
            probes["index"] = index.to(label.device)
            found.append({name: values[good] for name, values in probes.items()})
            tested += len(index)
            qualified += int(good.sum())
            if qualified >= wanted:
                break
        if qualified < 2:
            raise PeepholeError(
                f"the backdoor '{spec['trigger']}' decides on {qualified} of {tested} test pictures, too few to score "
                f"explanations on; train longer (--epochs)."
            )
        count = min(wanted, qualified)
        arrays = {name: torch.cat([part[name] for part in found])[:wanted].cpu().numpy() for name in found[0]}
        # The selection part comes first and keeps its share where fewer qualify than were asked for.
        arrays["selection"] = np.arange(count) < max(1, count * spec["selection"] // wanted)
        return Shard(arrays, {"qualified": qualified, "tested": tested, **workspace.facts()})


def _candidates(
    x: Tensor, label: Tensor, poisoned: nn.Module, twin: nn.Module, stamper: Stamper, generator: Generator
) -> tuple[dict[str, Tensor], Tensor]:
    """Pictures ``x`` (float32 ``[B,C,H,W]``) of classes ``label`` as probes, and bool ``[B]``: which qualify."""
    from peephole.attacks.predicting import predict

    stamped = stamper.stamp(x, generator)
    good = (predict(twin, x) == label) & (predict(poisoned, x) == label) & (stamped.target != label[:, None]).all(1)
    if stamped.target.shape[1] == 1:
        good &= predict(poisoned, stamped.image) == stamped.target[:, 0]
    else:
        for which, target in enumerate(stamper.targets):
            good &= predict(poisoned, stamper.stamp_target(x, which, generator).image) == target
    probes = {"image": stamped.image, "clean": x, "exact": stamped.exact, "target": stamped.target, "label": label}
    if stamped.mask is not None:
        probes["mask"] = stamped.mask
        good &= stamped.mask.flatten(2).any(2).all(1)
    if stamped.soft is not None:
        probes["soft"] = stamped.soft
    return probes, good


def probe_count(unit: Unit) -> int:
    """How many probes a probe set is to have, for reporting and for choosing layers together."""
    return int(unit.spec["report"] + unit.spec["selection"])


def share_of(maps: Unit) -> float:
    """The share of the pictures that maps were made of."""
    return float(maps.spec.get("share", 1.0))


def covered(selection: NDArray[np.bool_], share: float) -> NDArray[np.int64]:
    """The numbers of the pictures that a share of a probe set comprises, ascending.

    Of the pictures for choosing layers and of those to report, each, the first ones: as many as the share says,
    rounded up, and two at least (where there are two), so that a spread can be known.

    Args:
        selection: bool ``[N]``, as a `ProbeSet` holds it.
        share: in (0,1].
    """
    parts = (np.flatnonzero(selection), np.flatnonzero(~selection))
    return np.sort(np.concatenate([part[: max(2, math.ceil(share * len(part)))] for part in parts]))


def selection_of(unit: Unit, workspace: Workspace) -> NDArray[np.bool_]:
    """Which pictures of a `ProbeSet` serve to choose layers, bool ``[N]``; read once for many."""
    return workspace.keep(("selection", unit.digest), lambda: workspace.open(unit).read("selection"))


def read_probes(unit: Unit, workspace: Workspace, share: float = 1.0) -> Probes:
    """The probes of a `ProbeSet`, or the share of them that is `covered`, as tensors on the workspace's device."""
    import torch

    from peephole.leaderboard.base import Probes

    arrays = workspace.read(unit).arrays
    pictures = covered(arrays["selection"], share)
    present = {name: torch.from_numpy(array[pictures]).to(workspace.device) for name, array in arrays.items()}
    known = {field.name for field in fields(Probes)}
    values: dict[str, Any] = {"mask": None, **{name: value for name, value in present.items() if name in known}}
    return Probes(**values, number=torch.from_numpy(pictures).to(workspace.device))
