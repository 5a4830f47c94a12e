"""What an attribution method is, and the registry of those that come with the package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

from peephole.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from peephole.attributions.graph import Canonical


class Attribution(Protocol):
    """A method that says how much each place of each layer mattered for a decision.

    Attributes:
        title: the method's name as the literature spells it.
        source: the citation.
    """

    title: ClassVar[str]
    source: ClassVar[str]

    def attribute(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Explain why ``model`` gives ``x`` the label ``target``, at each of ``layers``.

        Args:
            model: the canonical graph of the network, in eval mode with frozen parameters.
            x: float32 ``[B,C,H,W]`` in [0,1].
            target: int64 ``[B]``.
            layers: names of cut points, as `Canonical.layers` lists them.

        Returns:
            For each layer a signed, un-normalised map ``[B,c,h,w]`` at the layer's own resolution. Channels are
            kept or already summed (c = 1), as the method defines them; summing, ReLU and up-sampling are the
            benchmark's business. No map depends on the other pictures of the batch.
        """
        ...


ATTRIBUTIONS: Registry[type[Attribution]] = Registry(
    "attribution", "peephole.attributions.rules", "peephole.attributions"
)
