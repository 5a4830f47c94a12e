"""What a unit may use while it computes: its inputs, the data, the device, and somewhere to say how far it is."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peephole.datasets.base import DATASETS, Dataset, Pictures, Split
from peephole.datasets.digest import content_digest
from peephole.errors import PeepholeError
from peephole.provenance import version_facts
from peephole.store.shard import Shard
from peephole.store.store import Store, file_digest
from peephole.units.base import Unit

if TYPE_CHECKING:
    import torch

    from peephole.attacks.base import AttackData

SHARDS_IN_MEMORY = 4
BATCH = 64
"""Larger batches are slower on a processor and faster on a GPU."""


class Workspace:
    """The hands of a unit.

    Args:
        store: where shards are read from.
        device: a torch device, or ``"auto"``: the first CUDA device if there is one, else the processor.
        data: the folder with the user's data sets.
        weights: a file of weights to start from instead of training a clean model.
        batch: pictures a pass of an explanation; no result depends on it.

    Raises:
        PeepholeError: a batch of no picture.
    """

    def __init__(
        self,
        store: Store,
        device: str = "auto",
        data: Path | None = None,
        weights: Path | None = None,
        batch: int = BATCH,
    ) -> None:
        if batch < 1:
            raise PeepholeError(f"--batch must be above 0, not {batch}.")
        self.batch = batch
        self.store = store
        self.data = data
        self.weights = weights
        self.report: Callable[[float], None] = lambda share: None
        self._device = device
        self._shards: OrderedDict[str, Shard] = OrderedDict()
        self._pictures: dict[tuple[str, int, Split], Pictures] = {}

    @cached_property
    def device(self) -> torch.device:
        """The device that units compute on.

        Raises:
            PeepholeError: there is no such device here.
        """
        import torch

        # Convolutions and products in true single precision (GPUs round to 10 bits unless told), and repeatable.
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
        torch.backends.cuda.matmul.fp32_precision = "ieee"
        torch.backends.cudnn.deterministic = True
        if self._device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            device = torch.device(self._device)
            torch.empty(1, device=device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise PeepholeError(f"cannot use device '{self._device}' ({reason}); try --device cpu.") from error
        return device

    def read(self, unit: Unit) -> Shard:
        """The result of ``unit``; the few read last stay in memory.

        Raises:
            DamagedShard: it is not in the store, or not what was written.
        """
        if unit.digest not in self._shards:
            self._shards[unit.digest] = self.store.read(unit.kind, unit.digest)
        self._shards.move_to_end(unit.digest)
        while len(self._shards) > SHARDS_IN_MEMORY:
            self._shards.popitem(last=False)
        return self._shards[unit.digest]

    def dataset(self, spec: Mapping[str, Any]) -> Dataset:
        """The data set of a spec (``name``, ``side``) as the user has it."""
        return DATASETS[spec["name"]](side=spec["side"], folder=self.data)

    def pictures(self, spec: Mapping[str, Any], split: Split) -> Pictures:
        """One split of a data set, read once a process."""
        key = (spec["name"], spec["side"], split)
        if key not in self._pictures:
            self._pictures[key] = self.dataset(spec).load(split)
        return self._pictures[key]

    def attack_data(self, spec: Mapping[str, Any]) -> AttackData:
        """Both splits on the device, as bytes."""
        import torch

        from peephole.attacks.base import AttackData, LabelledPictures

        def on_device(split: Split) -> LabelledPictures:
            pictures = self.pictures(spec, split)
            images, labels = torch.from_numpy(pictures.images), torch.from_numpy(pictures.labels)
            return LabelledPictures(images.to(self.device), labels.to(self.device))

        return AttackData(on_device("train"), on_device("test"))

    def data_digest(self, spec: Mapping[str, Any]) -> str:
        """Digest of the decoded pictures and labels of both splits."""
        digests = "".join(content_digest(self.pictures(spec, split)) for split in ("train", "test"))
        return hashlib.sha256(digests.encode()).hexdigest()[:16]

    def weights_file(self, sha256: str) -> Path:
        """The user's file of weights, which must be the one that the run was planned with."""
        if self.weights is None or file_digest(self.weights) != sha256:
            raise PeepholeError("the file of weights has changed since the run was planned; run again.")
        return self.weights

    def facts(self) -> dict[str, Any]:
        """Where and with what a result was made; stored with it, no part of its identity."""
        import torch

        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return {"device": name, "torch_version": torch.__version__, "dtype": "float32", **self._versions}

    @cached_property
    def _versions(self) -> dict[str, str]:
        return version_facts()
