"""Deep copies of networks that hold what cannot be copied."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def deep_copy(model: Network) -> Network:
    """A deep copy of ``model``. What cannot be copied (a lock, an open file, a graph of tensors) is shared."""
    try:
        return copy.deepcopy(model)
    except Exception:  # noqa: BLE001  attributes are the user's own, and may raise anything when they are copied
        return copy.deepcopy(model, _shared(model))


def _shared(model: nn.Module) -> dict[int, Any]:
    """What `copy.deepcopy` cannot copy, by its identity: tensors of a graph detached, lists anew, the rest as it is."""
    shared: dict[int, Any] = {}
    for module in model.modules():
        for name, value in vars(module).items():
            if name not in ("_modules", "_parameters", "_buffers"):
                _share(value, shared)
    return shared


def _share(value: Any, shared: dict[int, Any]) -> None:
    if id(value) in shared:
        return
    if isinstance(value, Tensor):
        if value.grad_fn is not None:
            shared[id(value)] = value.detach().clone()
        return
    try:
        copy.deepcopy(value, dict(shared))
    except Exception:  # noqa: BLE001  see above
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple | set) else ()
        for part in parts:
            _share(part, shared)
        if not isinstance(value, dict | list | tuple | set):
            shared[id(value)] = value
