"""Any folder of pictures: ``{train,test}/<class>/*``."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import ClassVar

from peephole.datasets.base import DATASETS, Pictures, Split
from peephole.datasets.centre_crop import CentreCrop
from peephole.datasets.decoding import picture_size
from peephole.datasets.digest import fingerprint
from peephole.datasets.imagenet import Imagenet
from peephole.datasets.picture_folder import IN_MEMORY, PictureFolder
from peephole.errors import PeepholeError

_SMALLEST = 16
_HELP = "give the folder that holds them with --data DIR or PEEPHOLE_DATA"
_LAYOUT = "{train,test}/<class>/*.{jpg,png,bmp,webp,tif,gif,ppm,…}, or val for test"


@DATASETS.register
class Folder:
    """Your own pictures, each in a folder named after its class, in ``train`` and in ``test`` (or ``val``).

    Classes are the sorted folder names of ``train``; ``test`` must have the same. If the first picture is square and
    of the side that is asked for, all have to be, and are taken as they are; otherwise all are resized and cropped as
    `CentreCrop.usual` says. A split that would not fit into memory stays in its files. The normalisation is
    ImageNet's, not that of the pictures, so that they need not be read for it. Pictures are turned as EXIF says that
    the camera was held. What else lies in the folders is counted, see `notes`.

    Args:
        side: height and width of the pictures, at least 16; that of the first picture if None.
        folder: the folder that holds ``train`` and ``test``.
        in_memory: bytes that a decoded split may take in memory.

    Raises:
        PeepholeError: there is no folder; a split, a class of either, or all pictures of a class are missing; there
            are fewer than two classes; the side is too small, or None and the first picture is not square.
    """

    title: ClassVar[str] = "Folder of pictures"
    source: ClassVar[str] = "your own pictures; no terms attached"

    mean: tuple[float, float, float] = Imagenet.mean
    std: tuple[float, float, float] = Imagenet.std

    def __init__(self, *, side: int | None = None, folder: Path | None = None, in_memory: float = IN_MEMORY) -> None:
        if folder is None:
            raise PeepholeError(f"no folder to look for pictures in; expected {_LAYOUT}; {_HELP}")
        self._splits: dict[Split, PictureFolder] = {
            "train": _scan(folder, ("train",)),
            "test": _scan(folder, ("test", "val")),
        }
        _refuse_odd(folder, self._splits)
        self.classes: tuple[str, ...] = self._splits["train"].classes
        self._in_memory = in_memory
        self.side, self.fit = self._choose(side)

    def identity(self) -> dict[str, str | int]:
        """Side, crop, decoding, and a fingerprint of the sorted relative names and sizes of the files."""
        counts = {f"{split}_count": len(pictures) for split, pictures in self._splits.items()}
        fit = str(self.fit) if self.fit else "as they are"
        return {"side": self.side, "fit": fit, "decoding": "upright", "files": self._fingerprint, **counts}

    def load(self, split: Split) -> Pictures:
        """Read or open one split, sorted by class and name.

        Raises:
            PeepholeError: a file cannot be read, or has not the side of the first.
        """
        return self._splits[split].load(self.side, self.fit, self._in_memory, upright=True)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user has to know before pictures are read: which files were left out, a line a split."""
        return tuple(
            f"{sum(pictures.skipped.values())} files in {pictures.root} are no pictures that are read ("
            + ", ".join(f"{count} of {suffix}" for suffix, count in sorted(pictures.skipped.items()))
            + ")"
            for pictures in self._splits.values()
            if pictures.skipped
        )

    def _choose(self, side: int | None) -> tuple[int, CentreCrop | None]:
        """The side, and how pictures get it."""
        train = self._splits["train"]
        first = next(train.paths())
        width, height = picture_size(f"{train.root}/{first}", upright=True)
        if side is None and width != height:
            raise PeepholeError(
                f"pictures in {train.root} are not square: {first} is {width}x{height} pixels; "
                "expected a side to crop them to; give the side"
            )
        side = width if side is None else side
        if side < _SMALLEST:
            raise PeepholeError(
                f"pictures in {train.root} cannot have side {side}; expected at least {_SMALLEST}; give a larger side"
            )
        return side, None if (width, height) == (side, side) else CentreCrop.usual(side)

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint(
            (f"{split}/{name}", size) for split, pictures in self._splits.items() for name, size in pictures.sizes()
        )


def _scan(folder: Path, names: tuple[str, ...]) -> PictureFolder:
    """The first of ``names`` that is there."""
    for name in names:
        if (folder / name).is_dir():
            return PictureFolder.scan(folder / name)
    raise PeepholeError(f"no {' or '.join(names)} in {folder}; expected {_LAYOUT}; {_HELP}")


def _refuse_odd(folder: Path, splits: dict[Split, PictureFolder]) -> None:
    """Both splits have the same classes, two at least, and pictures of each."""
    train, test = splits["train"], splits["test"]
    for here, there in ((train, test), (test, train)):
        for name in here.classes:
            if name not in there.names:
                raise PeepholeError(
                    f"class {here.root.name}/{name} in {folder} has no {there.root.name}/{name}; expected the same "
                    "classes in both; add its pictures, or remove it"
                )
            if not here.names[name]:
                others = ", ".join(sorted(here.skipped))
                raise PeepholeError(
                    f"class {here.root.name}/{name} in {folder} has no picture"
                    + (f" (other files there: {others})" if others else "")
                    + "; expected at least one; add some, or remove the class from both"
                )
    if len(train.classes) < 2:
        raise PeepholeError(
            f"found {len(train.classes)} classes in {train.root}; expected at least 2; make a folder for each"
        )
