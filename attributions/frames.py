"""Where a tensor keeps its channels and its places: what makes a layer's tensor a picture ``[B,C,h,w]``."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Frame:
    """How a tensor is read as ``[B,C,h,w]``.

    Three kinds are known: channels first ``[B,C,h,w]``, as convolutions have them; channels last ``[B,h,w,C]``, as
    Swin has them; tokens ``[B,k+h·w,C]``, as ViT has them, with ``k`` tokens in front that have no place (the class
    token), which the picture leaves out.

    Attributes:
        channels_last: whether the last axis holds the channels.
        grid: height and width of the places, if they lie on one axis.
        extra: k.
    """

    channels_last: bool = False
    grid: tuple[int, int] | None = None
    extra: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether the tensor is a picture as it is."""
        return not self.channels_last and self.grid is None

    def picture(self, values: Tensor) -> Tensor:
        """``[B,C,h,w]``: a view where there can be one; plain tensors as they are."""
        if self.grid is not None:
            placed = values[:, self.extra :] if self.channels_last else values[..., self.extra :].transpose(1, 2)
            values = placed.unflatten(1, self.grid)
        elif not self.channels_last:
            return values
        return values.permute(0, 3, 1, 2)

    def spatial(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of `picture` without the batch, from that of the tensor."""
        if self.grid is not None:
            return (shape[-1] if self.channels_last else shape[0], *self.grid)
        return (shape[2], *shape[:2]) if self.channels_last else shape


PLAIN = Frame()
"""Channels first."""
