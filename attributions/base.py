"""What an attribution method is, and the registry of those that come with the package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from peephole.errors import PeepholeError
from peephole.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from peephole.attributions.graph import Canonical


@runtime_checkable
class Attribution(Protocol):
    """A method that says how much each place of each layer mattered for a decision.

    A method with options is a frozen dataclass of `pydantic.dataclasses` whose fields are annotated with what they may
    be, such as ``samples: Annotated[int, Field(ge=1)] = 25``, and have defaults; one that changes another method takes
    that as its first field (see `peephole.attributions.combining`). People write ``smoothgrad(samples=10)`` and
    ``tif(deeplift, 0.9)``, see `peephole.attributions.spec`. A method that has maps at some layers only says so, see
    `AtSomeLayers`.

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
            For each layer a signed, un-normalised map ``[B,c,h,w]`` at the layer's own resolution or at the
            picture's. Channels are kept or already summed (c = 1), as the method defines them; summing, ReLU and
            up-sampling are the benchmark's business. No map depends on the other pictures of the batch.
        """
        ...


@runtime_checkable
class AtSomeLayers(Protocol):
    """A method that has maps at some layers only, such as one that fuses all layers into one map."""

    def layers(self, model: Canonical) -> Sequence[str]:
        """The layers of ``model`` that the method has a map at; at least one."""
        ...


def layers_of(method: Attribution, model: Canonical) -> tuple[str, ...]:
    """The layers of ``model`` that ``method`` has a map at, in the model's order: all, unless it says otherwise.

    Raises:
        PeepholeError: the method names no layer, or one that the model does not have.
    """
    if not isinstance(method, AtSomeLayers):
        return tuple(model.layers)
    asked = frozenset(method.layers(model))
    unknown = sorted(asked.difference(model.layers))
    if unknown or not asked:
        what = f"names the layer '{unknown[0]}'" if unknown else "has a map at no layer"
        raise PeepholeError(f"{type(method).__name__} {what}; the model's layers are {', '.join(model.layers)}.")
    return tuple(layer for layer in model.layers if layer in asked)


ATTRIBUTIONS: Registry[type[Attribution]] = Registry(
    "attribution", "peephole.attributions.rules", "peephole.attributions"
)
