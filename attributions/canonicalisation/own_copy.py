"""A copy of a network that is ours: unwrapped, in eval mode, frozen, with plain weights."""

from __future__ import annotations

import itertools

import torch
from torch import nn
from torch.nn.utils import parametrize, prune

from peephole.attributions.linear import LINEAR
from peephole.errors import PeepholeError
from peephole.network_copy import deep_copy

QUANTISED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized", "torch.nn.quantized", "torchao")
"""Where the modules of quantised networks come from."""

HOOKS = ("WeightNorm", "SpectralNorm")
"""The classes of torch that compute a weight in a hook before each call."""


def own_copy(model: nn.Module) -> nn.Module:
    """A deep copy of ``model``, in eval mode, frozen, whose weights are what they are at this moment.

    `DataParallel`, `DistributedDataParallel` and `torch.compile` are unwrapped. Parametrised weights (weight and
    spectral normalisation, of the older and the newer kind, pruning, any other parametrisation of torch) become plain
    parameters with the value that the network has in eval mode. ``model`` itself stays as it is.

    Raises:
        PeepholeError: the model, or a part of it, is a scripted or a quantised module, or no module at all.
    """
    model = unwrapped(model)
    for path, module in model.named_modules():
        where = f"the part '{path}' of {type(model).__name__}" if path else type(model).__name__
        if isinstance(module, torch.jit.ScriptModule):
            raise PeepholeError(
                f"{where} is a scripted module, whose code cannot be read; give the module it came from."
            )
        if type(module).__module__.startswith(QUANTISED):
            raise PeepholeError(
                f"{where} is quantised ({type(module).__name__}), and no gradient passes it; give the network in "
                "floating point."
            )
    copied = deep_copy(model).eval()
    for parent in list(copied.modules()):
        for name, child in list(parent.named_children()):
            if unwrapped(child) is not child:
                setattr(parent, name, unwrapped(child))
    with torch.no_grad():
        for module in copied.modules():
            _make_plain(module)
    for tensor in itertools.chain(copied.parameters(), copied.buffers()):
        tensor.requires_grad_(False)
    return copied


def unwrapped(model: nn.Module) -> nn.Module:
    """What `DataParallel`, `DistributedDataParallel` and `torch.compile` stand around.

    Raises:
        PeepholeError: it is no module.
    """
    wrappers = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while isinstance(model, nn.Module):
        if isinstance(model, wrappers):
            model = model.module
        elif "_orig_mod" in getattr(model, "_modules", {}):
            model = model._orig_mod  # type: ignore[assignment]
        else:
            return model
    raise PeepholeError(f"the network is a {type(model).__name__}; expected a torch.nn.Module.")


def _make_plain(module: nn.Module) -> None:
    """Replace what computes a weight by the weight."""
    if parametrize.is_parametrized(module):
        weights = {name: getattr(module, name).detach().clone() for name in module.parametrizations}  # type: ignore[union-attr]
        # Not by torch's own function, which would take the weights from the class that the original shares.
        module.__class__ = type(module).__bases__[0]
        del module._modules["parametrizations"]
        for name, weight in weights.items():
            module.register_parameter(name, nn.Parameter(weight))
    if isinstance(module, LINEAR):
        for name in ("weight", "bias"):
            if name in module._buffers:
                kept = module._buffers.pop(name)
                module.register_parameter(name, None if kept is None else nn.Parameter(kept))
    for key, hook in list(module._forward_pre_hooks.items()):
        pruned = isinstance(hook, prune.BasePruningMethod)
        if pruned or type(hook).__name__ in HOOKS:
            hook.remove(module)  # type: ignore[attr-defined]
            del module._forward_pre_hooks[key]
