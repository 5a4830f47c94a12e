"""CIFAR-10, from the original release or from a folder of picture files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from peephole.datasets.base import DATASETS, Pictures, Split
from peephole.datasets.cifar_batches import read_batch
from peephole.datasets.digest import fingerprint
from peephole.datasets.picture_folder import PictureFolder
from peephole.errors import PeepholeError

_SPLITS: tuple[Split, ...] = ("train", "test")
_HELP = "give the folder that holds it with --data DIR or PEEPHOLE_DATA"
_LAYOUTS = "cifar-10-batches-py/ (the original release) or cifar10/{train,test}/<class>/*.{png,jpg}"


@DATASETS.register
class Cifar10:
    """60,000 photographs of 32×32 pixels in ten classes, 50,000 for training.

    Two forms are known: the original release as torchvision unpacks it (``cifar-10-batches-py``), and picture files
    in folders. A folder of JPEG files is another data set than the release it was made from, so the form is part of
    the identity. The original release is taken where both are found.

    Args:
        side: 32 or None.
        folder: the folder that holds either form, or ``cifar10`` with either form in it, or is one of them.

    Raises:
        PeepholeError: there is no folder, nothing or only a part of CIFAR-10 is in it, or another side is asked for.
    """

    title: ClassVar[str] = "CIFAR-10"
    source: ClassVar[str] = "Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images"
    per_class: ClassVar[dict[Split, int]] = {"train": 5_000, "test": 1_000}
    batches: ClassVar[dict[Split, tuple[str, ...]]] = {
        "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
        "test": ("test_batch",),
    }

    side: int = 32
    classes: tuple[str, ...] = (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    )
    # Over the training pictures of the original release.
    mean: tuple[float, float, float] = (0.4914, 0.4822, 0.4465)
    std: tuple[float, float, float] = (0.2470, 0.2435, 0.2616)

    def __init__(self, *, side: int | None = None, folder: Path | None = None) -> None:
        if side not in (None, self.side):
            raise PeepholeError(f"CIFAR-10 pictures have side {self.side}, not {side}; leave the side out")
        if folder is None:
            raise PeepholeError(f"no folder to look for CIFAR-10 in; expected {_LAYOUTS}; {_HELP}")
        self._root, self.form = self._find(folder)
        missing = self._missing()
        if missing:
            shown = "; ".join(missing[:3]) + (f"; and {len(missing) - 3} more" if len(missing) > 3 else "")
            raise PeepholeError(f"CIFAR-10 in {self._root} is incomplete: {shown}; unpack it again, or {_HELP}")

    def identity(self) -> dict[str, str | int]:
        """The form, and a fingerprint of the sorted relative names and sizes of its files."""
        counts = {f"{split}_count": len(self.classes) * count for split, count in self.per_class.items()}
        return {"form": self.form, "files": fingerprint(self._sizes()), **counts}

    def load(self, split: Split) -> Pictures:
        """Read one split: batches in the release's order, picture files sorted by class and name.

        Raises:
            PeepholeError: a file cannot be read or holds something else.
        """
        if self.form == "folder":
            return self._folders[split].load(self.side)
        names = self.batches[split]
        size = len(self.classes) * self.per_class[split] // len(names)
        parts = [read_batch(self._root / name, size) for name in names]
        images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        found = np.bincount(labels, minlength=len(self.classes)).tolist() if labels.min() >= 0 else []
        if found != [self.per_class[split]] * len(self.classes):
            raise PeepholeError(
                f"CIFAR-10 {split} labels in {self._root} are not CIFAR-10's: found {found} pictures a class; "
                f"expected {self.per_class[split]:,} in each of {len(self.classes)}; unpack it again, or {_HELP}"
            )
        return Pictures(images, labels)

    def _find(self, folder: Path) -> tuple[Path, str]:
        batches = [name for names in self.batches.values() for name in names]
        for root in (folder, folder / "cifar-10-batches-py", folder / "cifar10" / "cifar-10-batches-py"):
            if any((root / name).is_file() for name in batches):
                return root, "original"
        for root in (folder / "cifar10", folder):
            if any((root / split).is_dir() for split in _SPLITS):
                return root, "folder"
        found = sorted(entry.name for entry in folder.iterdir())[:5] if folder.is_dir() else []
        what = ", ".join(found) if found else "nothing" if folder.is_dir() else "no such folder"
        raise PeepholeError(f"no CIFAR-10 in {folder}: found {what}; expected {_LAYOUTS}; {_HELP}")

    @cached_property
    def _folders(self) -> dict[Split, PictureFolder]:
        return {split: PictureFolder.scan(self._root / split) for split in _SPLITS}

    def _missing(self) -> list[str]:
        """What is not there or too much, by names alone."""
        if self.form == "original":
            batches = [name for names in self.batches.values() for name in names]
            return [f"found no {name}" for name in batches if not (self._root / name).is_file()]
        faults: list[str] = []
        for split, folder in self._folders.items():
            for name in sorted(set(self.classes) | set(folder.classes)):
                expected = self.per_class[split]
                if name not in self.classes:
                    faults.append(f"found a class {split}/{name}, which CIFAR-10 does not have")
                elif name not in folder.names:
                    faults.append(f"found no {split}/{name}, expected {expected:,} pictures in it")
                elif len(folder.names[name]) != expected:
                    found = f"{len(folder.names[name]):,}"
                    faults.append(f"found {found} pictures in {split}/{name}, expected {expected:,}")
        return faults

    def _sizes(self) -> Iterator[tuple[str, int]]:
        if self.form == "original":
            for name in sorted(name for names in self.batches.values() for name in names):
                yield name, (self._root / name).stat().st_size
        else:
            for split, folder in self._folders.items():
                yield from ((f"{split}/{name}", size) for name, size in folder.sizes())

    @classmethod
    def download(cls, folder: Path) -> None:
        """Fetch the original release (170 MB) with torchvision, which checks it, to ``folder/cifar-10-batches-py``."""
        # torchvision takes a second to import.
        from torchvision.datasets import CIFAR10

        CIFAR10(str(folder), train=False, download=True)
