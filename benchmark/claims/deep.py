"""The deep network of P2's experiments, and the pictures that it is asked about."""

from __future__ import annotations

from typing import Any

from peephole.claims.study import Study
from peephole.models import named
from peephole.plan import dataset_spec

DATASET, STAND_IN = "imagenet", "shapes"
STAND_IN_SIDE = 64
"""At most, of pictures that are drawn for want of ImageNet's: 3,000 of side 224 take minutes and 600 MB."""


def deep_network(study: Study) -> dict[str, Any]:
    """What says in specs which network it is: ``dataset``, ``model``, ``model_code``. It is never trained.

    Its pictures are ImageNet's, which need be there as ``val`` only; made ones if the user has none, or if the study
    is a smoke test.

    Raises:
        PeepholeError: ImageNet is there, but cannot be used.
    """
    extent, data = study.extent, study.workspace.data
    made = dataset_spec(STAND_IN, min(extent.deep_side, STAND_IN_SIDE), data)
    name = named.resolve(extent.deep_model)
    return {
        "dataset": made if study.quick else _found(study) or made,
        "model": name,
        "model_code": named.digest(name),
    }


def _found(study: Study) -> dict[str, Any] | None:
    data = study.workspace.data
    if data is None or not (data / DATASET / "val").is_dir():
        return None
    return dataset_spec(DATASET, study.extent.deep_side, data)


def deep_words(study: Study) -> str:
    """The network and its pictures, for people."""
    dataset = deep_network(study)["dataset"]
    return f"{study.extent.deep_model} on {dataset['name']}, side {dataset['side']}"
