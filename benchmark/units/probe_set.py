"""The probe set: the stamped test pictures on which explanations are scored, with their truth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.errors import PeepholeError
from peephole.triggers.base import TRIGGERS, Trigger
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from torch import Tensor, nn

    from peephole.leaderboard.base import Probes
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace

CHUNK = 512


class ProbeSet(Unit):
    """Test pictures on which the backdoor is the reason for the decision.

    A picture qualifies if the clean twin and the poisoned model both get it right without the trigger, its class is
    no target of the trigger, and each mark alone turns the decision into its target. Qualifying pictures are taken in
    a seeded random order.

    Spec: ``dataset``, ``model``, ``trigger``, ``trigger_code``, ``report``, ``selection``, ``seed``; inputs:
    ``poisoned`` and ``twin``. The shard holds ``image``, ``clean`` (float32 ``[N,C,H,W]``), ``mask``, ``exact``
    (bool ``[N,T,H,W]``), ``target`` (int64 ``[N,T]``), ``label``, ``index`` (int64 ``[N]``, class and place in the
    test split) and ``selection`` (bool ``[N]``: kept for choosing layers, out of every reported number), and the
    facts ``qualified`` and ``tested``: how many of how many pictures qualify.
    """

    kind: ClassVar[str] = "probe_set"
    version: ClassVar[int] = 1

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
        from peephole.units.networks import load

        spec = self.spec
        data = workspace.attack_data(spec["dataset"]).test
        trigger = TRIGGERS[spec["trigger"]]()
        poisoned, twin = (load(self.inputs[role], workspace) for role in ("poisoned", "twin"))
        wanted = probe_count(self)
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(spec["seed"]))
        found: list[Tensor] = []
        tested = 0
        for index in order.to(data.labels.device).split(CHUNK):
            x, label = data.images[index].float().div(255), data.labels[index]
            found.append(index[qualifies(x, label, poisoned, twin, trigger)])
            tested += len(index)
            if sum(map(len, found)) >= wanted:
                break
        index = torch.cat(found)
        if len(index) < 2:
            raise PeepholeError(
                f"the backdoor '{spec['trigger']}' decides on {len(index)} of {tested} test pictures, too few to score "
                f"explanations on; train longer (--epochs)."
            )
        qualified, index = len(index), index[:wanted]
        clean = data.images[index].float().div(255)
        stamped = trigger.stamp(clean)
        # The selection part comes first and keeps its share where fewer qualify than were asked for.
        kept = max(1, len(index) * spec["selection"] // wanted)
        arrays = {
            "image": stamped.image,
            "clean": clean,
            "mask": stamped.mask,
            "exact": stamped.exact,
            "target": torch.tensor(trigger.targets).expand(len(index), -1),
            "label": data.labels[index],
            "index": index,
            "selection": torch.arange(len(index)) < kept,
        }
        facts = {"qualified": qualified, "tested": tested, **workspace.facts()}
        return Shard({name: value.cpu().numpy() for name, value in arrays.items()}, facts)


def probe_count(unit: Unit) -> int:
    """How many probes a probe set is to have, for reporting and for choosing layers together."""
    return int(unit.spec["report"] + unit.spec["selection"])


def qualifies(x: Tensor, label: Tensor, poisoned: nn.Module, twin: nn.Module, trigger: Trigger) -> Tensor:
    """Bool ``[B]``: on which pictures ``x`` (float32 ``[B,C,H,W]``) of classes ``label`` the backdoor decides."""
    from peephole.attacks.training import predict

    right = (predict(twin, x) == label) & (predict(poisoned, x) == label)
    for which, target in enumerate(trigger.targets):
        right &= (label != target) & (predict(poisoned, trigger.stamp_target(x, which)) == target)
    return right


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


def read_probes(unit: Unit, workspace: Workspace, share: float = 1.0) -> Probes:
    """The probes of a `ProbeSet`, or the share of them that is `covered`, as tensors on the workspace's device."""
    import torch

    from peephole.leaderboard.base import Probes

    arrays = workspace.read(unit).arrays
    pictures = covered(arrays["selection"], share)
    names = ("image", "clean", "mask", "exact", "target")
    return Probes(**{name: torch.from_numpy(arrays[name][pictures]).to(workspace.device) for name in names})
