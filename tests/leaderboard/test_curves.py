"""Pictures that turn into others pixel after pixel, and what a network is shown of them."""

from math import ceil

import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from peephole.attributions.classifier import Normalise
from peephole.leaderboard.baselines import baseline_inputs, blurred
from peephole.leaderboard.curves import Exchange
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.perturbation import quadratic

COUNT, CHANNELS, HEIGHT, WIDTH = 3, 2, 3, 4
PIXELS = HEIGHT * WIDTH


class Recorder(nn.Module):
    """Decides by the parity of the sum over a picture of whole numbers, and keeps what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.shown.append(x.clone())
        odd = x.sum(dim=(1, 2, 3)).round() % 2
        return torch.stack([0.5 - odd, odd - 0.5], dim=1)


@pytest.fixture
def exchange() -> Exchange:
    generator = torch.Generator().manual_seed(3)
    shape = (COUNT, CHANNELS, HEIGHT, WIDTH)
    order = torch.rand((COUNT, PIXELS), generator=generator).argsort(dim=1)
    before, after = (torch.randint(100, shape, generator=generator).float() for _ in range(2))
    return Exchange(Examined(nn.Identity(), Recorder(), batch=5), before, after, order, torch.tensor([0, 1, 1]))


def between(exchange: Exchange, n: int, k: int) -> torch.Tensor:
    """Picture n with its first k pixels exchanged, one at a time."""
    picture = exchange.before[n].clone()
    for pixel in exchange.order[n, :k].tolist():
        row, column = divmod(pixel, WIDTH)
        picture[:, row, column] = exchange.after[n % len(exchange.after), :, row, column]
    return picture


@pytest.mark.parametrize("single", [False, True])
def test_shows_the_very_pictures_and_only_those_that_are_asked_for(exchange: Exchange, single: bool) -> None:
    if single:
        exchange = Exchange(exchange.examined, exchange.before, exchange.after[:1], exchange.order, exchange.target)
    exchanged = torch.arange(PIXELS + 1).repeat(COUNT, 1)
    asked = torch.rand(exchanged.shape, generator=torch.Generator().manual_seed(1)) < 0.6
    says = exchange.says_target(exchanged, asked)
    network = exchange.examined.network
    assert isinstance(network, Recorder)
    expected = [between(exchange, n, k) for n, k in asked.nonzero().tolist()]
    assert torch.cat(network.shown).equal(torch.stack(expected))
    for n, k in asked.nonzero().tolist():
        assert says[n, k].item() == (int(between(exchange, n, k).sum()) % 2 == exchange.target[n])
    assert not says[~asked].any()


class Counted(Examined):
    """Keeps how many pictures it is asked about at a time."""

    def decisions(self, pictures: torch.Tensor) -> torch.Tensor:
        self.sizes = [*getattr(self, "sizes", []), len(pictures)]
        return super().decisions(pictures)


def test_no_more_pictures_exist_at_once_than_a_batch_holds(exchange: Exchange) -> None:
    examined = Counted(nn.Identity(), Recorder(), batch=5)
    exchanged = torch.arange(PIXELS + 1).repeat(COUNT, 1)
    asked = torch.ones_like(exchanged, dtype=torch.bool)
    Exchange(examined, exchange.before, exchange.after, exchange.order, exchange.target).says_target(exchanged, asked)
    assert examined.sizes == [5] * 7 + [4]


@pytest.mark.parametrize(("pixels", "steps"), [(1024, 32), (1024, 8), (100, 64), (7, 3), (4, 50), (1, 1), (50176, 32)])
def test_knots_are_the_rounded_squares_each_once(pixels: int, steps: int) -> None:
    expected = sorted({int(pixels * (i / steps) ** 2 + 0.5) for i in range(steps + 1)})
    knots = quadratic(pixels, steps).tolist()
    assert knots == expected
    assert (knots[0], knots[-1]) == (0, pixels)


def test_twice_as_many_steps_as_pixels_reach_all() -> None:
    assert quadratic(50, 100).tolist() == list(range(51))


def test_baselines_are_what_they_are_called() -> None:
    normalise = Normalise((0.491, 0.482, 0.447), (0.247, 0.243, 0.262))
    examined = Examined(normalise, nn.Identity())
    image = torch.rand((4, 3, 32, 24), generator=torch.Generator().manual_seed(0))
    assert baseline_inputs("zero", examined, image).equal(torch.zeros(1, 3, 32, 24))
    assert baseline_inputs("black", examined, image).equal(normalise(torch.zeros(1, 3, 32, 24)))
    assert baseline_inputs("blur", examined, image).equal(normalise(blurred(image)))


@pytest.mark.parametrize("sides", [(32, 32), (20, 31), (2, 2)])
def test_the_blur_is_a_gaussian_of_an_eighth_of_the_side(sides: tuple[int, int]) -> None:
    image = torch.rand((2, 3, *sides), generator=torch.Generator().manual_seed(0))
    sigma = min(sides) / 8
    expected = gaussian_filter(image.double().numpy(), sigma, axes=(2, 3), mode="mirror", radius=ceil(3 * sigma))
    torch.testing.assert_close(blurred(image).double(), torch.from_numpy(expected), rtol=0, atol=1e-6)
