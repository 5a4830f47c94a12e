"""ImageNet: the thousand classes of the ILSVRC 2012 challenge, from the user's own copy."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from peephole.datasets.annotations import annotated_boxes
from peephole.datasets.base import DATASETS, Pictures, Split
from peephole.datasets.centre_crop import CentreCrop
from peephole.datasets.digest import fingerprint
from peephole.datasets.flat_val import SOLUTION, sort_flat
from peephole.datasets.picture_folder import IN_MEMORY, PictureFolder
from peephole.errors import PeepholeError

_SMALLEST = 16
_HELP = "give the folder that holds it with --data DIR or PEEPHOLE_DATA"
_LAYOUTS = "imagenet/{train,val}/<class>/*.JPEG, or ILSVRC/Data/CLS-LOC/{train,val} as Kaggle packs it"


@DATASETS.register
class Imagenet:
    """Photographs in a thousand classes: 1,281,167 to train with; the 50,000 of ``val`` are the test split.

    Pictures are resized and cropped as `CentreCrop.usual` says, which for side 224 is how torchvision validates its
    first weights (256, then 224, bilinear). Classes are the sorted folder names of ``val``, which is the order that
    pretrained models have. Any number of pictures a class will do, and without ``train`` the test split can be read
    all the same, for models that need no training. Boxes come from annotation files, of the test split alone:
    ``Annotations/CLS-LOC/val/*.xml``, with or without ``ILSVRC`` before it, or beside the class folders, where the
    official archive unpacks them. A split that would not fit into memory stays in its files.

    Args:
        side: height and width of the cropped pictures, at least 16; 224 if None.
        folder: the folder that holds one of the layouts, or ``imagenet`` with one in it.
        in_memory: bytes that a decoded split may take in memory.

    Raises:
        PeepholeError: there is no folder, no ImageNet or only a part of it in it, or the side is too small.
    """

    title: ClassVar[str] = "ImageNet"
    source: ClassVar[str] = "Russakovsky et al. 2015, ILSVRC 2012; from image-net.org or Kaggle, on their terms"
    class_count: ClassVar[int] = 1_000

    # Over the training pictures, as everybody's weights have it.
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def __init__(self, *, side: int | None = None, folder: Path | None = None, in_memory: float = IN_MEMORY) -> None:
        self.side = 224 if side is None else side
        if self.side < _SMALLEST:
            raise PeepholeError(
                f"ImageNet cannot be cropped to side {self.side}; expected at least {_SMALLEST}; choose a larger side"
            )
        if folder is None:
            raise PeepholeError(f"no folder to look for ImageNet in; expected {_LAYOUTS}; {_HELP}")
        self.fit = CentreCrop.usual(self.side)
        self._in_memory = in_memory
        self._top, self._root = _find(folder)
        self._val = self._scan_val()
        self.classes: tuple[str, ...] = self._val.classes
        if len(self.classes) != self.class_count:
            raise PeepholeError(
                f"ImageNet in {self._root} is incomplete: found {len(self.classes):,} classes in val, "
                f"expected {self.class_count:,}; unpack it again, or {_HELP}"
            )
        _refuse_empty(self._val)

    def identity(self) -> dict[str, str | int]:
        """Form, side, crop, and a fingerprint of the sorted relative names and sizes of the files, in any layout."""
        return {
            "form": "files",
            "side": self.side,
            "fit": str(self.fit),
            "files": self._fingerprint,
            "train_count": len(self._train),
            "test_count": len(self._val),
        }

    def load(self, split: Split) -> Pictures:
        """Read or open one split, sorted by class and name; ``test`` is ``val``.

        Raises:
            PeepholeError: there is no such split, or a file cannot be read.
        """
        if split == "train":
            if not len(self._train):
                raise PeepholeError(
                    f"ImageNet in {self._root} has no pictures to train with: looked for {self._root / 'train'}; "
                    f"expected train/<class>/*.JPEG beside val; unpack ILSVRC2012_img_train.tar there, or {_HELP}"
                )
            return self._train.load(self.side, self.fit, self._in_memory)
        pictures = self._val.load(self.side, self.fit, self._in_memory)
        return replace(pictures, boxes=annotated_boxes(self._val, self._places, self.fit))

    @cached_property
    def _train(self) -> PictureFolder:
        """Listed when first asked for: there are over a million names."""
        train = PictureFolder.scan(self._root / "train")
        odd = sorted(set(train.classes) ^ set(self.classes)) if train.classes else []
        if odd:
            missing = "train" if odd[0] in self.classes else "val"
            raise PeepholeError(
                f"ImageNet in {self._root} is incomplete: found no class {odd[0]} in {missing}; "
                f"expected the same {self.class_count:,} in train and val; unpack it again, or {_HELP}"
            )
        _refuse_empty(train)
        return train

    @cached_property
    def _fingerprint(self) -> str:
        splits = {"train": self._train, "val": self._val}
        return fingerprint((f"{split}/{name}", size) for split, of in splits.items() for name, size in of.sizes())

    @property
    def _places(self) -> tuple[Path, ...]:
        below = ("Annotations/CLS-LOC/val", "ILSVRC/Annotations/CLS-LOC/val", "Annotations/val")
        return (*(self._top / place for place in below), self._root / "val")

    def _scan_val(self) -> PictureFolder:
        val = PictureFolder.scan(self._root / "val")
        return val if val.classes else sort_flat(self._root / "val", self._top / SOLUTION)


def _find(folder: Path) -> tuple[Path, Path]:
    """Where annotations are looked for, and where ``val`` is."""
    for top in (folder / "imagenet", folder):
        for root in (top, top / "ILSVRC" / "Data" / "CLS-LOC"):
            if (root / "val").is_dir():
                return top, root
    found = sorted(entry.name for entry in folder.iterdir())[:5] if folder.is_dir() else []
    what = ", ".join(found) if found else "nothing" if folder.is_dir() else "no such folder"
    raise PeepholeError(f"no ImageNet in {folder}: found {what}; expected {_LAYOUTS}; {_HELP}")


def _refuse_empty(pictures: PictureFolder) -> None:
    for name, names in pictures.names.items():
        if not names:
            raise PeepholeError(
                f"ImageNet in {pictures.root.parent} is incomplete: found no picture in {pictures.root.name}/{name}; "
                f"expected at least one; unpack it again, or {_HELP}"
            )
