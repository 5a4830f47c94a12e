"""The common part of architectures that torchvision has: how they are built, and the weights it knows for them."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any, ClassVar

from peephole.errors import PeepholeError, UnknownName

if TYPE_CHECKING:
    from torch import Tensor, nn


class TorchvisionModel:
    """A network of ``torchvision.models``, which is imported when it is needed.

    A subclass says which. Weights are named as torchvision names them, such as ``IMAGENET1K_V2``; only those of whole
    classifiers count. `peephole.models.weights.KnowsWeights` is what this answers to.

    Attributes:
        called: what torchvision calls the network, for example ``"resnet50"``.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    called: ClassVar[str]

    def build(self, classes: int) -> nn.Module:
        """A freshly initialised network, from torch's global generator, as torchvision initialises it."""
        from torchvision.models import get_model

        network: nn.Module = get_model(self.called, weights=None, num_classes=classes)
        return network

    @property
    def weights(self) -> tuple[str, ...]:
        """The names of the weights that the installed torchvision knows."""
        return tuple(sorted(self._known()))

    def weights_identity(self, name: str) -> str:
        """``torchvision:resnet50:IMAGENET1K_V2``; whether there are such weights is not looked up. Torch-free."""
        return f"torchvision:{self.called}:{name.strip().upper()}"

    def pretrained(self, name: str) -> dict[str, Tensor]:
        """The state dict of the weights ``name``, from torchvision's cache on disk or else from the network.

        A download is checked against the digest in the file's name. Nothing is unpickled but tensors.

        Raises:
            UnknownName: torchvision knows no such weights; the message lists those it knows.
            PeepholeError: they cannot be had; the message says which file torchvision takes from where.
        """
        known = self._known()
        if name.strip().upper() not in known:
            raise UnknownName(f"weights of torchvision's {self.called}", name, known)
        found = known[name.strip().upper()]
        try:
            with redirect_stdout(sys.stderr):  # torch says there what it downloads; standard output is for results
                state: dict[str, Tensor] = found.get_state_dict(
                    progress=False, check_hash=True, map_location="cpu", weights_only=True
                )
        except Exception as error:  # the network, the disk, a file that was damaged: anything
            reason = " ".join(str(error).split())[:160]
            raise PeepholeError(
                f"cannot get {self.weights_identity(name)} ({type(error).__name__}: {reason}); it is the file "
                f"{found.url.rpartition('/')[2]} from {found.url}: fetch it elsewhere and give it as --weights FILE."
            ) from error
        return state

    def categories(self, name: str) -> tuple[str, ...]:
        """What the weights ``name`` tell apart, in words, in the order of the labels.

        Raises:
            UnknownName: torchvision knows no such weights; the message lists those it knows.
        """
        known = self._known()
        if name.strip().upper() not in known:
            raise UnknownName(f"weights of torchvision's {self.called}", name, known)
        return tuple(known[name.strip().upper()].meta["categories"])

    def _known(self) -> dict[str, Any]:
        from torchvision.models import get_model_weights

        # Weights of features alone have no categories: their classifier is NaN.
        return {each.name: each for each in get_model_weights(self.called) if each.meta.get("categories")}
