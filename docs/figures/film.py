"""What a network is shown and says while the pixels of a picture are exchanged, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from page import GREY, WIDTH, Page
from torch import Tensor

from peephole.leaderboard.curves import Exchange
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.orders import places

YES, NO = "#1a7f37", "#b2182b"
"""Of a network that says the target, and of one that does not."""
TINT = torch.tensor([1.0, 0.85, 0.1])
"""Of pixels that were exchanged."""


class Projector(Examined):
    """A network that keeps what it was shown and what it said."""

    def __init__(self, examined: Examined) -> None:
        super().__init__(examined.normalise, examined.network, steps=examined.steps, batch=examined.batch)
        self.shown: list[Tensor] = []
        self.said: list[Tensor] = []

    def decisions(self, pictures: Tensor) -> Tensor:
        """As before, and remembered."""
        answer = super().decisions(pictures)
        self.shown.append(pictures)
        self.said.append(answer)
        return answer


def frames(exchange: Exchange, counts: Sequence[int]) -> tuple[Tensor, Tensor]:
    """What the network is shown when so many pixels of the one picture are exchanged, and the labels that it says."""
    projector = Projector(exchange.examined)
    asked = torch.tensor([list(counts)])
    replace(exchange, examined=projector).says_target(asked, torch.ones_like(asked, dtype=torch.bool))
    return torch.cat(projector.shown), torch.cat(projector.said)


def strip(
    page: Page,
    left: float,
    top: float,
    exchange: Exchange,
    counts: Sequence[int],
    *,
    tinted: bool = False,
    to_picture: Callable[[Tensor], Tensor] = lambda shown: shown,
) -> None:
    """A row of frames to the right edge: above each, the share of pixels exchanged; border and caption: the decision.

    Args:
        page: to draw on.
        left: inches.
        top: inches.
        exchange: of one picture.
        counts: a frame for each, so many pixels being exchanged.
        tinted: whether exchanged pixels are tinted, as they may look like what they replace.
        to_picture: makes pictures in [0,1] of what the network is shown.
    """
    shown, said = frames(exchange, counts)
    place, pixels = places(exchange.order)[0], exchange.order.shape[1]
    step = (WIDTH - 0.05 - left) / len(counts)
    size = step - 0.07
    for number, (picture, label, count) in enumerate(zip(to_picture(shown), said.tolist(), counts, strict=True)):
        x = left + number * step
        if tinted:
            turned = (place < count).view(picture.shape[1:])
            picture = torch.where(turned, 0.45 * picture + 0.55 * TINT[:, None, None], picture)
        page.picture(x, top, size, picture, f"label {label}", frame=YES if label == int(exchange.target) else NO)
        page.write(x + size / 2, top - 0.17, percent(count / pixels), ha="center", color=GREY)


def percent(share: float) -> str:
    """A share as people read it."""
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"
