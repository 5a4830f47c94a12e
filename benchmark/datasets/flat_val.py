"""ImageNet's validation pictures in one folder, as Kaggle packs them, with their classes in a table beside."""

from __future__ import annotations

import csv
from pathlib import Path

from peephole.datasets.picture_folder import PictureFolder, picture_names
from peephole.errors import PeepholeError

SOLUTION = "LOC_val_solution.csv"
"""Kaggle's table: the picture's name without suffix, then its class and boxes."""


def sort_flat(val: Path, solution: Path) -> PictureFolder:
    """The pictures of a flat ``val`` under their classes; a folder without pictures has no classes.

    Raises:
        PeepholeError: there is no table, or a picture is not in it.
    """
    names = picture_names(val)
    if not names:
        return PictureFolder(val, {})
    if not solution.is_file():
        raise PeepholeError(
            f"pictures in {val} are not in folders of their classes; expected val/<class>/*.JPEG, or Kaggle's table "
            f"{solution}; put the table there, or move each picture into a folder named after its class"
        )
    classes = _classes(solution)
    sorted_names: dict[str, list[str]] = {kind: [] for kind in sorted(set(classes.values()))}
    for name in names:
        kind = classes.get(Path(name).stem)
        if kind is None:
            raise PeepholeError(f"no class for {val / name}; expected a row for it in {solution}; get the table again")
        sorted_names[kind].append(name)
    return PictureFolder(val, {kind: tuple(of_kind) for kind, of_kind in sorted_names.items()}, flat=True)


def _classes(solution: Path) -> dict[str, str]:
    try:
        with solution.open(newline="", encoding="utf-8") as file:
            return {row["ImageId"]: row["PredictionString"].split()[0] for row in csv.DictReader(file)}
    except (OSError, ValueError, LookupError, AttributeError, csv.Error) as error:
        raise PeepholeError(
            f"{solution} cannot be read ({type(error).__name__}: {' '.join(str(error).split())}); expected columns "
            "ImageId and PredictionString; get the table again"
        ) from error
