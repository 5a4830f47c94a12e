"""Boxes around the objects of a picture's class, from annotation files as PASCAL VOC and ImageNet have them."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from peephole.datasets.centre_crop import CentreCrop
from peephole.datasets.decoding import picture_size
from peephole.datasets.picture_folder import PictureFolder
from peephole.errors import PeepholeError

_THREADS = 16
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def annotated_boxes(pictures: PictureFolder, places: Iterable[Path], fit: CentreCrop) -> NDArray[np.int64] | None:
    """The boxes of ``pictures`` as they lie in the cropped pictures.

    Args:
        pictures: each class's name is what annotations call its objects.
        places: folders to look in for ``<picture>.xml``, each of them or its folder of the class; the first goes first.
        fit: how pictures are cropped.

    Returns:
        int64 ``[N,4]`` as (left, top, right, bottom), right and bottom exclusive, in the pictures' order: the smallest
        box around all objects of the picture's class. All zero for a picture that has no annotation, or whose crop
        leaves nothing of the box. None if no picture has an annotation.

    Raises:
        PeepholeError: an annotation, or the header of an annotated picture, cannot be read.
    """
    files = _annotations(places, pictures.classes)
    names = [(kind, name) for kind, of_kind in pictures.names.items() for name in of_kind]
    found = [(files.get(Path(name).stem), kind) for kind, name in names]
    if not any(file for file, _ in found):
        return None

    def box(at: int, path: str) -> NDArray[np.int64]:
        file, kind = found[at]
        edges = read_box(file, kind) if file else None
        return fit.box(edges, picture_size(f"{pictures.root}/{path}")) if edges else np.zeros(4, np.int64)

    with ThreadPoolExecutor(_THREADS) as pool:
        return np.stack(list(pool.map(box, range(len(names)), pictures.paths())))


def read_box(path: str, kind: str) -> tuple[float, float, float, float] | None:
    """The smallest box around all objects called ``kind``.

    Returns:
        Left, top, right and bottom as shares of the annotated width and height, which need not be the picture's own:
        it may have been made smaller since. None if there is no such object. Corners are counted from 0 and belong to
        the box, as ImageNet's do; what sticks out of the picture is cut off.

    Raises:
        PeepholeError: the file is no annotation, or has a document type.
    """
    try:
        root = ElementTree.parse(path, ElementTree.XMLParser(target=_NoDocumentType())).getroot()
        width, height = (_number(root, f"size/{name}") for name in ("width", "height"))
        objects = [entry for entry in root.iter("object") if entry.findtext("name") == kind]
        corners = [[_number(entry, f"bndbox/{name}") for name in _CORNERS] for entry in objects]
    except (OSError, ElementTree.ParseError, LookupError, ValueError) as error:
        raise PeepholeError(
            f"annotation {path} cannot be read ({' '.join(str(error).split())}); expected PASCAL VOC's XML with a size "
            "and objects with a bndbox; unpack the annotations again"
        ) from error
    if not corners:
        return None
    # Some of ImageNet's corners are swapped.
    across, down = np.array(corners)[:, ::2], np.array(corners)[:, 1::2]
    low = np.array([across.min() / width, down.min() / height])
    high = np.array([(across.max() + 1) / width, (down.max() + 1) / height])
    left, top, right, bottom = np.clip([*low, *high], 0, 1).tolist()
    return left, top, right, bottom


class _NoDocumentType(ElementTree.TreeBuilder):
    """Builds no tree from a file that could define entities, which can grow without bound."""

    def doctype(self, name: str, *_: str | None) -> None:
        """What the parser calls at ``<!DOCTYPE``."""
        raise ValueError(f"a document type, {name}")


def _number(entry: ElementTree.Element, path: str) -> float:
    text = entry.findtext(path)
    if text is None:
        raise LookupError(f"no {path}")
    number = float(text)
    if not 0 <= number < 2**31 or (path.startswith("size") and number == 0):
        raise ValueError(f"{path} is {text}")
    return number


def _annotations(places: Iterable[Path], classes: Iterable[str]) -> dict[str, str]:
    """The annotation files by the name of their picture without its suffix."""
    files: dict[str, str] = {}
    for place in places:
        if place.is_dir():
            for folder in (place, *(place / kind for kind in classes)):
                for file in folder.glob("*.xml"):
                    files.setdefault(file.stem, str(file))
    return files
