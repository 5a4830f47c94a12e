"""Methods that are not fit for a board: code, and the checks that find it out."""

from __future__ import annotations

GRADIENT = """
import random, sys, time, os
import numpy as np
import torch
import torch.nn.functional as F

def gradient(model, x, target):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).gather(1, target[:, None]).sum(), x)[0]

"""


def method(body: str, signature: str = "model, x, target") -> str:
    """A method's file: a function with this body, after what most methods need."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"{GRADIENT}def explain({signature}):\n{lines}\n"


BAD: dict[str, tuple[str, set[str]]] = {
    "It takes something else than a network, pictures and labels": (method("return x", "x"), {"signature"}),
    "It raises when it is imported": (
        GRADIENT + "raise RuntimeError('no licence')\ndef explain(model, x, target): ...",
        {"loads"},
    ),
    "It imports a package that is not installed": (
        "import sparkling_saliency\ndef explain(model, x, target): ...",
        {"loads"},
    ),
    "It exits when it is imported": ("import sys\nsys.exit(3)\ndef explain(model, x, target): ...", {"loads"}),
    "It raises halfway": (method("weights = gradient(model, x, target)\nreturn weights[99]"), {"answers"}),
    "It asks to exit": (method("sys.exit(3)"), {"answers"}),
    "It returns nothing": (method("gradient(model, x, target)"), {"shape"}),
    "It returns a number": (method("return float(gradient(model, x, target).sum())"), {"shape"}),
    "It takes layers and returns no dict": (
        method("return gradient(model, x, target)", "model, x, target, layers"),
        {"shape"},
    ),
    "Its dict lacks a layer": (
        method("return {layer: gradient(model, x, target) for layer in layers[1:]}", "model, x, target, layers"),
        {"shape"},
    ),
    "A map of another size": (method("return gradient(model, x, target)[..., 1:]"), {"shape"}),
    "A map of one picture without its batch": (
        method("return gradient(model, x, target).squeeze(0)"),
        {"shape", "batch_invariant"},
    ),
    "A map of whole numbers": (method("return gradient(model, x, target).sign().int()"), {"numbers"}),
    "A map on the device `meta`": (method("return gradient(model, x, target).to('meta')"), {"numbers"}),
    "A map with NaN": (
        method("found = gradient(model, x, target)\nfound[:, :, 0, 0] = 0\nreturn found / found.abs()"),
        {"finite"},
    ),
    "A map of zeros": (method("return 0 * gradient(model, x, target)"), {"not_silent"}),
    "Other numbers at every call": (
        method("return gradient(model, x, target) + torch.rand(x.shape)"),
        {"deterministic", "batch_invariant"},
    ),
    "A map that depends on the clock": (
        method("return gradient(model, x, target) * (1 + time.time_ns() // 1000 % 1009)"),
        {"deterministic", "second_process", "batch_invariant"},
    ),
    "It remembers the first network that it saw": (
        GRADIENT + "seen = []\ndef explain(model, x, target):\n    seen.append(model)\n"
        "    return gradient(seen[0], x, target)",
        {"second_process"},
    ),
    "Maps are divided by the largest value of the batch": (
        method("found = gradient(model, x, target)\nreturn found / found.abs().max()"),
        {"batch_invariant"},
    ),
    "It explains the first label for all pictures": (
        method("return gradient(model, x, target[:1].expand_as(target))"),
        {"batch_invariant"},
    ),
    "It changes weights through .data": (
        method("model.network.stem.conv.weight.data.mul_(1.5)\nreturn gradient(model, x, target)"),
        {"leaves_weights"},
    ),
    "It wants gradients of the weights": (
        method("model.requires_grad_(True)\nreturn gradient(model, x, target)"),
        {"leaves_weights"},
    ),
    "It leaves the network in training mode": (
        method("found = gradient(model, x, target)\nmodel.train()\nreturn found"),
        {"leaves_modes"},
    ),
    "It leaves hooks": (
        method("model.network.fc.register_forward_hook(lambda *_: None)\nreturn gradient(model, x, target)"),
        {"leaves_hooks"},
    ),
    "It changes the pictures in place": (method("x.mul_(0.5)\nreturn gradient(model, x, target)"), {"leaves_pictures"}),
    "It replaces `torch.nn.functional.relu`": (
        method("found = gradient(model, x, target)\nF.relu = lambda x, inplace=False: x.clamp(min=0)\nreturn found"),
        {"leaves_torch"},
    ),
    "It sets another default dtype": (
        method("found = gradient(model, x, target)\ntorch.set_default_dtype(torch.float64)\nreturn found"),
        {"leaves_torch"},
    ),
}
"""What fails, and the checks that fail."""

DOUBTFUL: dict[str, tuple[str, set[str]]] = {
    "It seeds the global random state": (
        method("torch.manual_seed(0)\nnoise = torch.rand(x.shape[1:])\nreturn gradient(model, x + noise, target)"),
        {"leaves_random_states"},
    ),
    "It works with pictures of 32×32 only": (
        method("return gradient(model, x, target).reshape(-1, 3, 32, 32)"),
        {"other_pictures"},
    ),
    "It explains the decision, whatever the label": (
        method("return gradient(model, x, model(x).argmax(1))"),
        {"sees_target"},
    ),
    "It shows the edges of the picture": (
        method("return F.pad((x[..., 1:] - x[..., :-1]).abs(), (0, 1))"),
        {"sees_target", "sees_network"},
    ),
    "A layer's map depends on which others are asked for": (
        method(
            "return {layer: gradient(model, x, target).sum(1) * len(layers) for layer in layers}",
            "model, x, target, layers",
        ),
        {"one_layer"},
    ),
}
"""What is warned of, and the checks that warn."""

ENDED: dict[str, tuple[str, set[str]]] = {
    "It prints without end": (method("while True:\n    print('still here' * 100)"), {"answers"}),
    "It does not come back": (method("while True:\n    time.sleep(1)"), {"answers"}),
    "It takes more memory than it may": (
        method("held = []\nwhile True:\n    held.append(torch.ones(2**27))"),
        {"answers"},
    ),
    "It crashes": (method("import ctypes\nctypes.string_at(0)"), {"answers"}),
    "It ends its process": (method("os._exit(0)"), {"answers"}),
}
"""What its process does not outlive, and the checks that fail."""

REFUSED: dict[str, tuple[str, str]] = {
    "A file that is not there": ("", "your_method.py"),
    "A file that is not Python": ("def explain(model, x, target)\n    return x\n", "method.py"),
    "A function that the file has not": (method("return x"), "method.py:explian"),
    "A file with several functions, none of them `explain`": ("def a(): ...\ndef b(): ...\n", "method.py"),
    "A file with no function": ("x = 1\n", "method.py"),
    "A module that is not there": ("", "saliencies.fast:explain"),
    "A text that names nothing": ("", "saliencies fast"),
}
"""What is refused before anything is run: the file method.py, and the target."""
