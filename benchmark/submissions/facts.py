"""What is seen of a map before anything is made of it, told by the submission's own process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Facts:
    """One map as the method returned it.

    Attributes:
        shape: with the batch; a channel is added where the method left it out.
        dtype, device: as torch writes them.
        not_finite: how many of its values are NaN or infinite.
        silent: how many pictures have a map of zeros.
    """

    shape: tuple[int, ...]
    dtype: str
    device: str
    not_finite: int
    silent: int


def told(values: Tensor) -> dict[str, Any]:
    """The facts of a map, as JSON values; one without values (on the device ``meta``) is taken to be finite."""
    counted = not values.is_meta
    return asdict(
        Facts(
            shape=tuple(values.shape),
            dtype=str(values.dtype),
            device=str(values.device),
            not_finite=int((~values.isfinite()).sum()) if counted else 0,
            silent=int((values.reshape(len(values), -1) == 0).all(1).sum()) if counted and values.ndim else 0,
        )
    )


def read(said: object) -> Facts:
    """What `told` said, which nobody has to believe.

    Raises:
        ValueError: it is not what `told` says.
    """
    if not isinstance(said, Mapping) or said.keys() != Facts.__dataclass_fields__.keys():
        raise ValueError("no facts")
    shape, counts = said["shape"], (said["not_finite"], said["silent"])
    if not isinstance(shape, list) or not all(type(number) is int for number in (*shape, *counts)):
        raise ValueError("no numbers")
    return Facts(tuple(shape), f"{said['dtype']!s:.40}", f"{said['device']!s:.40}", *counts)
