"""Networks, and ways to ask a submission once."""

from __future__ import annotations

import pytest
import torch

from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise
from peephole.models import named
from peephole.submissions.attribution import Submitted
from peephole.submissions.host import Guest
from peephole.submissions.limits import Limits
from peephole.submissions.target import submission

GIGA = 2**30


@pytest.fixture(scope="session")
def network():
    """A small network of random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return canonicalise(Classifier(Normalise((0.5,) * 3, (0.2,) * 3), named.build("resnet8", 10, 32)), (3, 32, 32))


@pytest.fixture(scope="session")
def pictures():
    """Three pictures and labels."""
    generator = torch.Generator().manual_seed(1)
    return torch.rand(3, 3, 32, 32, generator=generator), torch.randint(10, (3,), generator=generator)


@pytest.fixture(scope="session")
def small_limits():
    """So little that what is too much is soon reached."""
    return Limits(seconds=60, memory=GIGA, processes=8, threads=100, output=100_000, files=64, disk=16 * 2**20)


@pytest.fixture
def submitted(tmp_path):
    """A function that makes a submission of code, or of a target."""

    def make(code, **given):
        (tmp_path / "source").mkdir()
        path = tmp_path / f"{given.pop('called', 'method')}.py"
        path.write_text(code)
        return submission(str(path), tmp_path / "source", **given)

    return make


@pytest.fixture
def ask(network, pictures, small_limits):
    """A function that asks a submission once, in a process of its own, at all layers that it has."""

    def asked(one, limits=small_limits):
        with Guest(one, torch.device("cpu"), limits) as guest:
            method = Submitted(guest)
            return method.attribute(network, *pictures, method.layers(network))

    return asked
