"""Trained weights: the user's file, or a name that the architecture knows. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from peephole.errors import PeepholeError, UnknownName
from peephole.models.base import MODELS
from peephole.models.named import is_own
from peephole.store.store import file_digest

if TYPE_CHECKING:
    from torch import Tensor


class KnowsWeights(Protocol):
    """An architecture that knows trained weights by name, in capitals."""

    @property
    def weights(self) -> tuple[str, ...]:
        """Their names."""
        ...

    def weights_identity(self, name: str) -> str:
        """What determines the weights ``name``, as ``library:model:NAME``; torch-free, not looked up."""
        ...

    def pretrained(self, name: str) -> dict[str, Tensor]:
        """The state dict of the weights ``name``.

        Raises:
            PeepholeError: there are none of this name, or they cannot be had.
        """
        ...


@dataclass(frozen=True)
class KnownFile:
    """A file of weights that is not at hand: what was trained from it can be planned and read again.

    Attributes:
        sha256: its digest.
    """

    sha256: str


def weights_identity(model: str, weights: str | Path | KnownFile) -> str:
    """What determines weights: of a file its SHA-256, of a name ``library:model:NAME``. Torch-free.

    Text that is one word is a name if the architecture knows weights by name; everything else is a file. Whether there
    are weights of the name is not looked up, see `check_weights`.

    Args:
        model: a model's name, see `peephole.models.named`.
        weights: a file or a name.

    Raises:
        PeepholeError: there is no such file.
    """
    if isinstance(weights, KnownFile):
        return weights.sha256
    knowing = _knowing(model, weights)
    if knowing is not None:
        return knowing.weights_identity(str(weights))
    path = Path(weights)
    if not path.is_file():
        raise PeepholeError(
            f"there is no file of weights at {path}; give a PyTorch state dict, or weights that {model} knows by name."
        )
    return file_digest(path)


def check_weights(model: str, weights: str | Path | KnownFile) -> None:
    """Look whether there are weights of a name; of a file nothing is looked at. Imports the architecture's library.

    Raises:
        UnknownName: there are none; the message lists those that there are.
    """
    knowing = _knowing(model, weights)
    if knowing is not None and not knows_weights(model, str(weights)):
        raise UnknownName(f"weights of {model}", str(weights), knowing.weights)


def knows_weights(model: str, name: str) -> bool:
    """Whether a model knows weights of this name. Imports the architecture's library."""
    knowing = _knowing(model, name)
    return knowing is not None and name.strip().upper() in knowing.weights


def short_identity(identity: str) -> str:
    """An identity as it stands in a suite's identifier: the name, or the first eight digits of the SHA-256."""
    return identity.rpartition(":")[2] if is_named(identity) else identity[:8]


def is_named(identity: str) -> bool:
    """Whether an identity is of weights that have a name, which is its last part."""
    return ":" in identity


def _knowing(model: str, weights: str | Path | KnownFile) -> KnowsWeights | None:
    """The architecture, if ``weights`` is a name and the architecture knows names."""
    if is_own(model) or not isinstance(weights, str) or not weights.strip().isidentifier():
        return None
    kind = MODELS[model]
    return cast("KnowsWeights", kind()) if hasattr(kind, "pretrained") else None
