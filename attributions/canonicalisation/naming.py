"""What functions and methods of torch compute, by their names: where a name says enough, or more than numbers could."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch.nn.functional as F
from torch import nn

from peephole.attributions.operations import Call, Method, Operation, name_of, operation_of

OURS = ("torch", "_operator", "operator", "builtins")
"""The modules whose functions are what their names say."""

REARRANGEMENTS = frozenset(
    {
        *("flatten", "unflatten", "view", "reshape", "permute", "transpose", "swapaxes", "movedim", "t", "contiguous"),
        *("squeeze", "unsqueeze", "cat", "concat", "concatenate", "stack", "hstack", "vstack", "chunk", "split"),
        *("unbind", "getitem", "roll", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "expand", "expand_as"),
        *("repeat", "repeat_interleave", "index_select", "narrow", "select", "flip", "rot90", "clone", "detach", "to"),
        *("float", "double", "half", "bfloat16", "type_as", "pad", "unfold", "tile", "broadcast_to", "moveaxis"),
        *("view_as", "reshape_as", "gather", "take_along_dim", "dropout", "feature_dropout", "alpha_dropout"),
        *("getattr", "max_unpool1d", "max_unpool2d", "max_unpool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"),
        *("ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d"),
        *("ReplicationPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "CircularPad2d", "Unfold"),
    }
)
MAXIMA = frozenset(
    {
        "amax",
        *(
            f"{kind}max_pool{axes}d{suffix}"
            for kind in ("", "adaptive_", "fractional_", "_")
            for axes in (1, 2, 3)
            for suffix in ("", "_with_indices")
        ),
    }
)
AVERAGES = frozenset(
    {
        *("mean", "sum", "interpolate", "fold", "Fold", "Upsample", "upsample"),
        *(f"{kind}avg_pool{axes}d" for kind in ("", "adaptive_") for axes in (1, 2, 3)),
    }
)
"""Functions that may be averages; whether none of their weights is negative, numbers say."""
PRODUCTS = frozenset({"mul", "multiply", "matmul", "bmm", "mm", "einsum", "imul", "outer", "tensordot", "bilinear"})
ATTENTION = frozenset(
    {"softmax", "log_softmax", "softmin", "scaled_dot_product_attention", "multi_head_attention_forward"}
)
NORMALISATIONS = frozenset(
    {
        *("layer_norm", "group_norm", "instance_norm", "local_response_norm", "rms_norm", "normalize", "batch_norm"),
        *("LayerNorm", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LocalResponseNorm"),
    }
)

DISPATCHED: Mapping[object, str] = MappingProxyType(
    {
        getattr(F, name): name
        for axes in (1, 2, 3)
        for name in (f"max_pool{axes}d", f"adaptive_max_pool{axes}d", f"fractional_max_pool{axes}d")
        if hasattr(F, name)
    }
)
"""Functions of torch that choose between two others and do not carry their own name."""

BY_NAME: Mapping[str, Operation] = MappingProxyType(
    {
        **dict.fromkeys(REARRANGEMENTS, Operation.REARRANGEMENT),
        **dict.fromkeys(MAXIMA, Operation.MAXIMUM),
        **dict.fromkeys(ATTENTION, Operation.ATTENTION),
    }
)
"""Where numbers need not be asked, whatever the call is given."""

BY_NAME_AT_LAST: Mapping[str, Operation] = MappingProxyType(
    {
        **dict.fromkeys(PRODUCTS, Operation.PRODUCT),
        **dict.fromkeys(NORMALISATIONS, Operation.NORMALISATION),
        "max": Operation.MAXIMUM,
    }
)
"""Where numbers say nothing simpler: a product with a fixed tensor is a scale, a norm may have fixed statistics."""


def torch_name(module: nn.Module) -> str | None:
    """The name of the function, method or module of torch that a call site calls; None if it is somebody else's."""
    called = module.function if isinstance(module, Call) else module
    if called in DISPATCHED:
        return DISPATCHED[called]
    if isinstance(called, Method):
        return called.name
    origin = (
        type(called).__module__ if isinstance(called, nn.Module) else getattr(called, "__module__", None) or "torch"
    )
    return name_of(called) if origin.split(".")[0] in OURS else None


def by_name(module: nn.Module) -> Operation | None:
    """What a call site computes, if its module's type or its name says so for sure."""
    known = operation_of(_called(module))
    if known is Operation.LINEAR and isinstance(module, Call):
        return None  # with settings that its weights alone do not tell
    if known not in (Operation.OPAQUE, Operation.NORMALISATION, Operation.ACTIVATION):
        return known
    return BY_NAME.get(torch_name(module) or "")


def by_name_at_last(module: nn.Module) -> Operation:
    """What it computes if numbers said nothing simpler."""
    return BY_NAME_AT_LAST.get(torch_name(module) or "", operation_of(_called(module)))


def _called(module: nn.Module) -> nn.Module:
    """The module itself, or the one that is called with settings."""
    inner = module.function if isinstance(module, Call) else module
    return inner if isinstance(inner, nn.Module) else module
