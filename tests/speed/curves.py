"""MoRF and LeRF of random maps beside `quantus.PixelFlipping`, once for each order, on the same network.

Quantus flips values, not pixels: three channels of 32x32 are 3072 of them, which it takes 32 at a time in 96 passes a
picture, and 128 at a time in 24. Each is measured beside ours in the same round, and the table gives medians over the
rounds. "at equal passes" divides each time by its number of passes. "network alone" shows our network as many random
pictures, in batches as ours: no way to get the curves from it can be faster.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from peephole.attributions.classifier import Normalise
from peephole.attributions.folding import fold_batch_norm
from peephole.attributions.graph import canonicalise
from peephole.leaderboard.base import Probes
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.metrics.lerf import Lerf
from peephole.leaderboard.metrics.morf import Morf
from peephole.leaderboard.perturbation import quadratic
from peephole.models.base import MODELS

SIDE = 32
AT_A_TIME = (32, 128)
"""Values that the other library flips before it looks again; they must divide the number of pixels."""


@dataclass(frozen=True)
class Line:
    """Something to be timed.

    Attributes:
        title: how its line is called.
        passes: pictures that the network is shown, by both orders together.
        run: the work.
    """

    title: str
    passes: int
    run: Callable[[], object]


def curves(model: str, pictures: int, steps: int) -> list[Line]:
    """Ours first."""
    torch.manual_seed(0)
    network = MODELS[model]().build(10).eval().requires_grad_(False)
    folded = fold_batch_norm(canonicalise(network, (3, SIDE, SIDE)))
    normalise = Normalise((0.49, 0.48, 0.45), (0.25, 0.24, 0.26))
    image, maps = torch.rand(pictures, 3, SIDE, SIDE), torch.randn(pictures, 1, SIDE, SIDE)
    examined = Examined(normalise, folded, steps=steps)
    mask = torch.zeros(pictures, 1, SIDE, SIDE, dtype=torch.bool)
    probes = Probes(image, image, mask, mask, examined.decisions(image)[:, None], network=examined)
    asked = 2 * (pictures * (len(quadratic(SIDE * SIDE, steps)) - 2) + 1)
    shown = torch.rand(asked, 3, SIDE, SIDE)
    lines = [
        Line("ours", asked, lambda: [metric.measure(maps, probes) for metric in (Morf(), Lerf())]),
        Line("network alone", asked, lambda: examined.decisions(shown)),
    ]
    inputs, target = normalise(image), probes.target[:, 0]
    for values in AT_A_TIME:
        for name, given in (("", network), (", folded", folded)):
            passes = 2 * pictures * 3 * SIDE * SIDE // values
            title = f"quantus, {values} values{name}"
            lines.append(Line(title, passes, lambda v=values, n=given: flipped(v, n, inputs, target, maps)))
    return lines


def flipped(values: int, network: nn.Module, inputs: Tensor, target: Tensor, maps: Tensor) -> object:
    """The other library's curves in both orders, from zero as ours; without areas, for which it needs an old NumPy."""
    import quantus

    flipping = quantus.PixelFlipping(
        features_in_step=values, normalise=False, perturb_baseline=0.0, disable_warnings=True
    )
    x, y = inputs.numpy(), target.numpy()
    return [
        flipping(network, x, y, a_batch=sign * maps.numpy(), device="cpu", batch_size=len(x), channel_first=True)
        for sign in (1, -1)
    ]


def seconds(run: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure(title: str, lines: list[Line], rounds: int) -> None:
    """All lines in turn, so many rounds after a first one that does not count; and the table."""
    warnings.filterwarnings("ignore", "The settings for perturbing input", UserWarning, "quantus")
    taken: dict[str, list[float]] = {line.title: [] for line in lines}
    for turn in range(rounds + 1):
        for line in lines:
            spent = seconds(line.run)
            if turn:
                taken[line.title].append(spent)
    ours = lines[0]
    print(f"\n{title}")
    print(f"{'':32}{'ms':>9}{'passes':>9}{'ms a pass':>11}{'to ours':>9}{'at equal passes':>17}")
    for line in lines:
        ms = 1000 * statistics.median(taken[line.title])
        pairs = zip(taken[line.title], taken[ours.title], strict=True)
        ratio = statistics.median(theirs / mine for theirs, mine in pairs)
        equal = ratio * ours.passes / line.passes
        print(f"{line.title:32}{ms:9.0f}{line.passes:9}{ms / line.passes:11.3f}{ratio:9.2f}{equal:17.2f}")
