"""What a unit may use while it computes: its inputs, the data, the device, and somewhere to say how far it is."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from peephole.datasets.base import DATASETS, Dataset, Pictures, Split
from peephole.datasets.digest import content_digest
from peephole.devices import device_of
from peephole.errors import PeepholeError
from peephole.machine import PRECISIONS, Machine, core_count, device_kind
from peephole.models.weights import KnownFile
from peephole.provenance import version_facts
from peephole.store.opened import OpenShard
from peephole.store.shard import Shard
from peephole.store.store import CHECKPOINTS, Store, file_digest
from peephole.submissions.failure import SubmissionError
from peephole.submissions.submission import METHOD, Submission
from peephole.units.base import Unit

if TYPE_CHECKING:
    import torch

    from peephole.attacks.base import AttackData
    from peephole.attacks.splits import Split as LabelledPictures
    from peephole.attacks.trainer import Trainer
    from peephole.attributions.base import Attribution
    from peephole.submissions.host import Guest

T = TypeVar("T")

SHARDS_IN_MEMORY = 4
SHARDS_OPEN = 16
THINGS_KEPT = 6


class Workspace:
    """The hands of a unit.

    Args:
        store: where shards are read from.
        machine: what to compute on.
        data: the folder with the user's data sets.
        weights: the user's file of weights, if there is one, or the name of some.
        submissions: methods that are not the benchmark's; each runs in a process of its own, which goes on from unit to
            unit until `close`.
        network: the network of the user's own that the user named: code of others that results name is not imported.
    """

    def __init__(
        self,
        store: Store,
        machine: Machine | None = None,
        data: Path | None = None,
        weights: str | Path | KnownFile | None = None,
        submissions: Iterable[Submission] = (),
        network: str | None = None,
    ) -> None:
        self.store = store
        self.machine = machine or Machine()
        self.data = data
        self.weights = weights
        self.submissions = tuple(submissions)
        self.network = network
        self._guests: dict[str, Guest] = {}
        self._lost: dict[str, SubmissionError] = {}
        self.report: Callable[[float], None] = lambda share: None
        self._shards: OrderedDict[str, Shard] = OrderedDict()
        self._open: OrderedDict[str, OpenShard] = OrderedDict()
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._pictures: dict[tuple[str, int, Split], Pictures] = {}
        self._splits: dict[tuple[str, int, Split], LabelledPictures] = {}

    @cached_property
    def device(self) -> torch.device:
        """The device that units compute on.

        Raises:
            PeepholeError: there is no such device here.
        """
        return device_of(self.machine.device)

    @property
    def device_name(self) -> str:
        """The device as people call it."""
        return device_kind("auto") if self.machine.device == "auto" else self.machine.device

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

    def open(self, unit: Unit) -> OpenShard:
        """The result of ``unit``, to be read in parts; the few opened last stay open.

        Raises:
            DamagedShard: it is not in the store, or not what was written.
        """
        if unit.digest not in self._open:
            self._open[unit.digest] = self.store.open(unit.kind, unit.digest)
        self._open.move_to_end(unit.digest)
        while len(self._open) > SHARDS_OPEN:
            self._open.popitem(last=False)[1].close()
        return self._open[unit.digest]

    def keep(self, key: Hashable, make: Callable[[], T]) -> T:
        """What several units need and takes time to make; the few used last stay in memory."""
        if key not in self._kept:
            self._kept[key] = make()
        self._kept.move_to_end(key)
        while len(self._kept) > THINGS_KEPT:
            self._kept.popitem(last=False)
        kept: T = self._kept[key]
        return kept

    def method_name(self, spec: Mapping[str, Any]) -> str:
        """The method of a spec (``method``, ``method_code``) as people call it."""
        if spec["method"] != METHOD:
            return str(spec["method"])
        return next((one.name for one in self.submissions if one.digest == spec["method_code"]), METHOD)

    def method(self, spec: Mapping[str, Any]) -> Attribution:
        """The method of a spec, ready to be asked.

        Raises:
            PeepholeError: see `peephole.attributions.methods.build`; or it is a submission that is not there, or cannot
                be started.
        """
        if spec["method"] != METHOD:
            from peephole.attributions.methods import build

            return build(spec["method"])
        from peephole.submissions.attribution import Submitted

        return Submitted(self._guest(spec["method_code"]))

    def _guest(self, digest: str) -> Guest:
        """The process of a submission, started if it is not running yet."""
        from peephole.submissions.host import Guest

        if digest in self._lost:
            raise self._lost[digest]
        if digest not in self._guests:
            known = next((one for one in self.submissions if one.digest == digest), None)
            if known is None:
                raise PeepholeError(f"the submission {digest} is not here; submit it again.")
            try:
                self._guests[digest] = Guest(known, self.device)
            except SubmissionError as error:
                self._lost[digest] = error  # it would take as long again for every unit
                raise
        return self._guests[digest]

    def close(self) -> None:
        """End the processes of submissions."""
        while self._guests:
            self._guests.popitem()[1].close()

    def dataset(self, spec: Mapping[str, Any]) -> Dataset:
        """The data set of a spec (``name``, ``side``) as the user has it."""
        return DATASETS[spec["name"]](side=spec["side"], folder=self.data)

    def dataset_notes(self, name: str, side: int) -> tuple[str, ...]:
        """What a data set has to say to its user before it is read, a line each; most have nothing."""
        if not hasattr(DATASETS[name], "notes"):
            return ()
        notes: tuple[str, ...] = self.dataset({"name": name, "side": side}).notes  # type: ignore[attr-defined]
        return notes

    def pictures(self, spec: Mapping[str, Any], split: Split) -> Pictures:
        """One split of a data set, read once a process."""
        key = (spec["name"], spec["side"], split)
        if key not in self._pictures:
            self._pictures[key] = self.dataset(spec).load(split)
        return self._pictures[key]

    def attack_data(self, spec: Mapping[str, Any]) -> AttackData:
        """Both splits: on the device as bytes, or read as they are needed where they do not fit in memory."""
        from peephole.attacks.base import AttackData

        return AttackData(self._split(spec, "train"), self._split(spec, "test"))

    def _split(self, spec: Mapping[str, Any], split: Split) -> LabelledPictures:
        import torch

        from peephole.attacks.splits import InMemory, Streamed

        key = (spec["name"], spec["side"], split)
        if key not in self._splits:
            pictures = self.pictures(spec, split)
            labels = torch.from_numpy(pictures.labels).to(self.device)
            if isinstance(pictures.images, np.ndarray):
                self._splits[key] = InMemory(torch.from_numpy(pictures.images).to(self.device), labels)
            else:
                self._splits[key] = Streamed(pictures.images, labels, workers=core_count() // self.machine.devices)
        return self._splits[key]

    def trainer(self, name: str) -> Trainer:
        """The machine of one training; ``name`` is what checkpoints are named by."""
        from peephole.attacks.trainer import Trainer

        return Trainer(
            self.device,
            precision=PRECISIONS[self.precision],
            devices=self.machine.devices,
            compiled=self.machine.compiled,
            folder=self._checkpoints,
            name=name,
            report=self.report,
        )

    def discard_checkpoints(self, name: str) -> None:
        """Forget the states of a training that is over."""
        for file in self._checkpoints.glob(f"{name}-*.pt"):
            file.unlink(missing_ok=True)

    @property
    def _checkpoints(self) -> Path:
        return self.store.root / CHECKPOINTS

    @cached_property
    def precision(self) -> str:
        """Of trainings: bfloat16 where a GPU has it, else float32, unless the user says otherwise."""
        import torch

        if self.machine.precision != "auto":
            return self.machine.precision
        return "bfloat16" if self.device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"

    def training_facts(self) -> dict[str, Any]:
        """Where and with what a network was trained; its certificate is made in single precision all the same."""
        machine = self.machine
        return {
            **self.facts(),
            "training_dtype": self.precision,
            "devices": machine.devices,
            "compiled": machine.compiled,
        }

    def data_digest(self, spec: Mapping[str, Any]) -> str:
        """Digest of the pictures and labels of both splits, or of the one that the user has."""
        splits: tuple[Split, ...] = ("train", "test") if spec["identity"]["train_count"] else ("test",)
        digests = "".join(content_digest(self.pictures(spec, split)) for split in splits)
        return hashlib.sha256(digests.encode()).hexdigest()[:16]

    def weights_file(self, sha256: str) -> Path:
        """The user's file of weights, which must be the one that the run was planned with."""
        if isinstance(self.weights, KnownFile):
            raise PeepholeError(
                f"the clean model is not in the store and is made of a file of weights that is not at hand (SHA-256 "
                f"{sha256[:16]}…); run the suite with --weights FILE first."
            )
        if self.weights is None or file_digest(Path(self.weights)) != sha256:
            raise PeepholeError("the file of weights has changed since the run was planned; run again.")
        return Path(self.weights)

    def facts(self) -> dict[str, Any]:
        """Where and with what a result was made; stored with it, no part of its identity."""
        import torch

        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        facts = {"device": name, "threads": torch.get_num_threads(), "torch_version": torch.__version__}
        return {**facts, "dtype": "float32", **self._versions}

    @cached_property
    def _versions(self) -> dict[str, str]:
        return version_facts()
