"""The device that computations run on, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peephole.errors import PeepholeError

if TYPE_CHECKING:
    import torch


def device_of(name: str) -> torch.device:
    """The device of this name, or of ``auto``: the first CUDA device if there is one, else the processor.

    From now on, results of this process are in true single precision and repeatable.

    Raises:
        PeepholeError: there is no such device here.
    """
    import torch

    # Convolutions and products in true single precision (GPUs round to 10 bits unless told), and repeatable.
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.deterministic = True
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise PeepholeError(f"cannot use device '{name}' ({reason}); try --device cpu.") from error
    return device


def device_names(name: str) -> tuple[str, ...]:
    """The devices that a name stands for, one a process: ``cuda`` and ``auto`` are all GPUs that there are."""
    if name == "cpu" or ":" in name:
        return (name,)
    import torch

    count = torch.cuda.device_count() if name in ("auto", "cuda") else 0
    return tuple(f"cuda:{number}" for number in range(count)) or ("cpu" if name == "auto" else name,)
