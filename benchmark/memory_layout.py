"""In which memory layout a network takes pictures: channels last, in which convolutions are fastest, or the usual one.

Only strides differ, and most networks do not look at them. One that does, such as by ``x.view(-1, 400)`` behind a
convolution, is run on pictures in the usual layout, as its author runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from peephole.errors import PeepholeError

TOLERANCE = 1e-2
"""How far answers in two layouts may lie apart, relative to the largest: more than the rounding of a GPU's TF32."""


def arranged(pictures: Tensor, *, channels_last: bool) -> Tensor:
    """The same pictures ``[B,C,H,W]`` with their channels last in memory, or in the usual layout."""
    return pictures.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def takes_channels_last(network: nn.Module, pictures: Tensor) -> bool:
    """Whether a network, its weights and pictures with channels last, answers as it does in the usual layout.

    It answers twice, in eval mode; its weights, buffers and modes and torch's random numbers are then as before.

    Args:
        network: takes what ``pictures`` are.
        pictures: a few, float32 ``[B,C,H,W]``, on the network's device.

    Returns:
        False if it raises an error or answers otherwise. True if not even these pictures fit in memory: what is too
        large is for others to say.
    """
    try:
        usual = _answer(network, pictures, channels_last=False)
        other = _answer(network, pictures, channels_last=True)
        return bool((other - usual).abs().max() <= TOLERANCE * usual.abs().max())
    except torch.OutOfMemoryError:
        return True
    except Exception:  # noqa: BLE001  a network of anybody's may raise anything, and will again where it is used
        return False


class FoundLayout:
    """Runs one network on pictures with channels last, unless its first run shows that it does not take them so.

    A network that takes them is not run once more than it is asked to.
    """

    def __init__(self) -> None:
        self._channels_last: bool | None = None

    def run(self, answer: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
        """``answer``, which runs the network, on ``pictures`` float32 ``[B,C,H,W]``.

        Raises:
            Exception: whatever it raises in the usual layout, too; and what no layout can help: a `PeepholeError` or
                too little memory.
        """
        if self._channels_last is not None or not len(pictures):
            return answer(arranged(pictures, channels_last=self._channels_last is not False))
        try:
            result = answer(arranged(pictures, channels_last=True))
        except (PeepholeError, torch.OutOfMemoryError):
            raise
        except Exception:  # noqa: BLE001  a network of anybody's may raise anything
            pass  # what the run held is free only outside of this block
        else:
            self._channels_last = True
            return result
        result = answer(arranged(pictures, channels_last=False))
        self._channels_last = False  # only now: an error that comes in both layouts says nothing about them
        return result


@torch.no_grad()
def _answer(network: nn.Module, pictures: Tensor, *, channels_last: bool) -> Tensor:
    with _unchanged(network, pictures.device):
        network.eval()
        if channels_last:
            network.to(memory_format=torch.channels_last)
        answer: Tensor = network(arranged(pictures, channels_last=channels_last))
        return answer.clone()  # it may be a buffer


@contextmanager
def _unchanged(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Afterwards weights lie where they did, and buffers, modes and torch's random numbers are what they were."""
    modes = [(module, module.training) for module in network.modules()]
    weights = [(weight, weight.data) for weight in network.parameters()]
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in network.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            for weight, data in weights:
                weight.data = data
            for module, name, buffer, value in buffers:
                buffer.copy_(value)
                setattr(module, name, buffer)
            for module, training in modes:
                module.training = training
