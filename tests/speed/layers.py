"""What every layer at once costs: each rule as a multiple of one plain forward pass and input gradient.

    python tests/speed/layers.py [--batch 32] [--threads 2] [--rounds 7] [--device cpu] [--without-captum]

Every measurement of a rule stands between two of the plain pass, and is divided by their mean; the table gives the
median over the rounds. Beside it, Captum doing the same work with one call a layer.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial

import torch
from captum import attr
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.canonical import Canonical
from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise
from peephole.models.base import MODELS


def plain(model: torch.nn.Module, x: Tensor, target: Tensor) -> None:
    """One forward pass and the gradient at the pictures, as one would write it without any library."""
    x = x.clone().requires_grad_()
    torch.autograd.grad(model(x).gather(1, target[:, None]).sum(), x)


def captum_layers(method: Callable[..., object], model: Canonical, x: Tensor, target: Tensor) -> None:
    """A layer attribution of Captum, layer by layer."""
    for layer in model.layers:
        method(model, model.module(layer)).attribute(x, target)


def captum_guided(model: Canonical, x: Tensor, target: Tensor) -> None:
    """Captum's guided backpropagation on the part above each layer, with the forward pass that leads there."""
    for layer in model.layers:
        with torch.no_grad():
            activation = model.run(x, until=layer)[0]
        attr.GuidedBackprop(model.above(layer)).attribute(activation.requires_grad_(), target)


CAPTUM = {
    "gradient": partial(captum_layers, partial(attr.LayerGradientXActivation, multiply_by_inputs=False)),
    "input_x_gradient": partial(captum_layers, attr.LayerGradientXActivation),
    "grad_cam": partial(captum_layers, attr.LayerGradCam),
    "guided_backprop": captum_guided,
}


def seconds(task: Callable[[], object], device: torch.device) -> float:
    """The time a task takes, until the device has done it."""
    start = time.perf_counter()
    task()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def main() -> None:
    """Measure, and print one line a rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--without-captum", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="captum")  # it tells of its hooks at every call
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = torch.device(options.device)
    network = MODELS["resnet18"]().build(10)
    model = Classifier(Normalise((0.49, 0.48, 0.45), (0.25, 0.24, 0.26)), network).to(device).eval()
    canonical = canonicalise(model)
    x = torch.rand(options.batch, 3, 32, 32, device=device)
    target = torch.randint(10, (options.batch,), device=device)
    tasks: dict[str, Callable[[], object]] = {
        name: partial(ATTRIBUTIONS[name]().attribute, canonical, x, target, canonical.layers) for name in ATTRIBUTIONS
    }
    if not options.without_captum:
        tasks |= {f"captum {name}": partial(task, canonical, x, target) for name, task in CAPTUM.items()}
    baseline = partial(plain, model.requires_grad_(False), x, target)
    ratios: dict[str, list[float]] = {name: [] for name in tasks}
    passes: list[float] = []
    for round in range(options.rounds + 1):
        before = seconds(baseline, device)
        for name, task in tasks.items():
            taken = seconds(task, device)
            after = seconds(baseline, device)
            if round:  # the first round warms up
                ratios[name].append(2 * taken / (before + after))
                passes.append(after)
            before = after
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{options.threads} CPU threads"
    print(f"resnet18, batch {options.batch}, {len(canonical.layers)} layers, {where}, {options.rounds} rounds")
    print(f"plain forward + input gradient: median {1000 * statistics.median(passes):.1f} ms")
    for name, values in ratios.items():
        print(f"{name:32} {statistics.median(values):6.2f}  ({min(values):.2f}-{max(values):.2f})")


if __name__ == "__main__":
    main()
