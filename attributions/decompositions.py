"""Functions of torch that are several operations in one, taken apart while a network's code is followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F


def _lerp(input: Any, end: Any, weight: Any) -> Any:
    return (1 - weight) * input + weight * end


def _rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return other - input if alpha == 1 else other - alpha * input


def _addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    product = tensor1 * tensor2
    return input + product if value == 1 else input + value * product


def _addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    quotient = tensor1 / tensor2
    return input + quotient if value == 1 else input + value * quotient


def _glu(input: Any, dim: int = -1) -> Any:
    value, gate = input.chunk(2, dim)
    return value * torch.sigmoid(gate)


def _cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    return (F.normalize(x1, dim=dim, eps=eps) * F.normalize(x2, dim=dim, eps=eps)).sum(dim)


FUNCTIONS: Mapping[object, Callable[..., Any]] = MappingProxyType(
    {
        torch.lerp: _lerp,
        torch.rsub: _rsub,
        torch.addcmul: _addcmul,
        torch.addcdiv: _addcdiv,
        F.glu: _glu,
        F.cosine_similarity: _cosine_similarity,
        torch.cosine_similarity: _cosine_similarity,
    }
)
METHODS: Mapping[object, Callable[..., Any]] = MappingProxyType(
    {
        **dict.fromkeys(("lerp", "lerp_"), _lerp),
        **dict.fromkeys(("addcmul", "addcmul_"), _addcmul),
        **dict.fromkeys(("addcdiv", "addcdiv_"), _addcdiv),
    }
)
"""From a function, or the name of a method, to the operations that it stands for."""
