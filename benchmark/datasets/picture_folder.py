"""Pictures that lie in folders named after their class: ``<root>/<class>/<picture>``."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from peephole.datasets.base import Pictures
from peephole.datasets.centre_crop import CentreCrop
from peephole.datasets.decoding import SUFFIXES
from peephole.datasets.picture_files import PictureFiles
from peephole.errors import PeepholeError

IN_MEMORY = 4 * 2**30
"""Bytes of decoded pictures that a split may have to be decoded at once; a larger one stays in its files."""

OTHERS = frozenset({"__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information"})
"""Folders that systems and archives leave among a user's own."""
_NOTES = frozenset({"thumbs.db", "desktop.ini"})
"""Files that systems leave there."""
# Listing waits for the disk, or for the network, not for a core.
_THREADS = 16


@dataclass(frozen=True)
class PictureFolder:
    """One folder of class folders, listed but not read.

    Attributes:
        root: the folder.
        names: for each class, sorted, its sorted picture names. Hidden files and files whose suffix is not a
            picture's do not count; classes without pictures do.
        flat: the pictures of all classes lie in the root itself.
        folders: the folders of the classes, where their names are written otherwise (é as e and an accent).
        skipped: how many files were left out, by their suffixes.
    """

    root: Path
    names: dict[str, tuple[str, ...]]
    flat: bool = False
    folders: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def scan(cls, root: Path) -> PictureFolder:
        """List ``root``; a folder that does not exist has no classes. Opens no picture and asks for no size.

        Letters with accents have two spellings in Unicode, and file systems differ: a class has one name.

        Raises:
            PeepholeError: a folder may not be listed, or two have one name.
        """
        if not root.is_dir():
            return cls(root, {})
        found: dict[str, str] = {}
        for entry in root.iterdir():
            if not entry.is_dir() or entry.name.startswith(".") or entry.name in OTHERS:
                continue
            name = unicodedata.normalize("NFC", entry.name)
            if name in found:
                raise PeepholeError(
                    f"{root} has two folders of the name {name}, with letters written in two ways; expected one; put "
                    "their pictures together"
                )
            found[name] = entry.name
        classes = sorted(found)
        with ThreadPoolExecutor(_THREADS) as pool:
            listed = list(pool.map(_listed, (root / found[name] for name in classes)))
        skipped = sum((others for _, others in listed), Counter[str]())
        folders = {name: folder for name, folder in found.items() if name != folder}
        return cls(root, dict(zip(classes, (names for names, _ in listed), strict=True)), False, folders, skipped)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names; a label is an index into them."""
        return tuple(self.names)

    def __len__(self) -> int:
        return sum(map(len, self.names.values()))

    def paths(self) -> Iterator[str]:
        """Each picture's path relative to the root, with slashes, in order."""
        for kind, names in self.names.items():
            folder = self.folders.get(kind, kind)
            yield from names if self.flat else (f"{folder}/{name}" for name in names)

    def sizes(self) -> Iterator[tuple[str, int]]:
        """``<class>/<name>`` of each picture, wherever it lies, and its size in bytes; sorted by class and name.

        Raises:
            PeepholeError: a picture is a link to nothing, or has gone.
        """
        with ThreadPoolExecutor(_THREADS) as pool:
            for kind, sizes in zip(self.names, pool.map(self._class_sizes, self.names), strict=True):
                yield from ((f"{kind}/{name}", size) for name, size in zip(self.names[kind], sizes, strict=True))

    def open(self, side: int, fit: CentreCrop | None = None, *, upright: bool = False) -> Pictures:
        """The pictures, left in their files, sorted by class and name, and their labels.

        Args:
            side: height and width of every picture.
            fit: makes a picture ``side`` by ``side``; without it, pictures have to be.
            upright: turn them as EXIF says that the camera was held.
        """
        counts = [len(names) for names in self.names.values()]
        labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        return Pictures(PictureFiles(self.root, self.paths(), side, fit, upright=upright), labels)

    def load(
        self, side: int, fit: CentreCrop | None = None, in_memory: float = float("inf"), *, upright: bool = False
    ) -> Pictures:
        """The same, decoded to RGB on all cores if that takes at most ``in_memory`` bytes.

        Raises:
            PeepholeError: a picture cannot be decoded or has another size.
        """
        pictures = self.open(side, fit, upright=upright)
        if pictures.images.nbytes > in_memory:
            return pictures
        return Pictures(np.asarray(pictures.images), pictures.labels)

    def _class_sizes(self, kind: str) -> list[int]:
        folder = self.root if self.flat else self.root / self.folders.get(kind, kind)
        try:
            return [(folder / name).stat().st_size for name in self.names[kind]]
        except OSError as error:
            raise PeepholeError(
                f"picture {error.filename} is not there ({error.strerror}); "
                "expected a file, as the folder lists it; unpack the data again"
            ) from error


def picture_names(folder: Path) -> tuple[str, ...]:
    """The sorted names of the pictures in one folder, by their suffixes.

    Raises:
        PeepholeError: the folder may not be listed.
    """
    return _listed(folder)[0]


def _listed(folder: Path) -> tuple[tuple[str, ...], Counter[str]]:
    """The names of the pictures in one folder, and how many other files there are, by their suffixes."""
    try:
        with os.scandir(folder) as entries:
            files = [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise PeepholeError(
            f"folder {folder} cannot be listed ({error.strerror}); expected a readable folder; change who may read it"
        ) from error
    seen = [name for name in files if not name.startswith(".") and name.lower() not in _NOTES]
    names = sorted(name for name in seen if name.lower().endswith(SUFFIXES))
    others = Counter(Path(name).suffix.lower() or "no suffix" for name in seen if not name.lower().endswith(SUFFIXES))
    return tuple(names), others
