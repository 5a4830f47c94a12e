import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from peephole.attacks.recipe import Recipe
from peephole.attacks.splits import InMemory, Streamed, in_order
from peephole.attacks.training import train
from peephole.datasets.picture_files import PictureFiles
from peephole.errors import PeepholeError

RECIPE = Recipe(2, 12, 0.05, crop_padding=1, flip=True)
# From Python 3.12 on, forking where threads run is warned about, which is how torch starts its workers.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture
def files(coloured, tmp_path):
    """The same pictures in files."""
    split = coloured(48)
    for number, image in enumerate(split.images):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / f"{number}.png")
    return PictureFiles(tmp_path, [f"{number}.png" for number in range(48)], 16, None)


@pytest.mark.parametrize("workers", [0, 2])
def test_streamed_pictures_are_the_same_training(workers, files, coloured, network, cpu, same):
    split = coloured(48)
    streamed = Streamed(files, split.labels, workers)
    assert len(streamed) == 48
    state = torch.random.get_rng_state()
    model = train(network(), streamed, RECIPE, cpu, seed=2)
    network()  # seeds anew
    assert same(model, train(network(), split, RECIPE, cpu, seed=2))
    for _ in in_order(streamed, 20):
        pass
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    list(streamed.stream([torch.tensor([1])]))
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_the_order_that_is_asked_for(workers, files, coloured):
    split = coloured(48)
    batches = [torch.tensor([5, 3, 5]), torch.tensor([47]), torch.tensor([0, 46])]
    for ours, theirs in zip(Streamed(files, split.labels, workers).stream(batches), split.stream(batches), strict=True):
        assert ours.dtype == torch.uint8
        assert torch.equal(ours, theirs)


def test_arrays_can_be_streamed(coloured):
    split = coloured(9)
    streamed = Streamed(split.images.numpy(), split.labels, 0)
    pairs = list(zip(in_order(streamed, 4), in_order(split, 4), strict=True))
    assert [len(labels) for (_, labels), _ in pairs] == [4, 4, 1]
    for ours, theirs in pairs:
        assert torch.equal(ours[0], theirs[0])
        assert torch.equal(ours[1], theirs[1])


def test_in_order_is_the_whole_split_once():
    split = InMemory(torch.arange(7, dtype=torch.uint8)[:, None, None, None], torch.arange(7))
    parts = list(in_order(split, 3))
    assert torch.cat([images.flatten() for images, _ in parts]).tolist() == list(range(7))
    assert torch.cat([labels for _, labels in parts]).tolist() == list(range(7))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_picture_is_one_line_from_a_worker_too(workers, files, coloured, network, cpu, tmp_path):
    (tmp_path / "17.png").write_bytes(b"rubbish")
    streamed = Streamed(files, coloured(48).labels, workers)
    with pytest.raises(PeepholeError, match=r"17\.png") as error:
        train(network(), streamed, RECIPE, cpu, seed=2)
    assert "\n" not in str(error.value)
    assert type(error.value) is PeepholeError


def test_other_errors_of_workers_are_not_taken_for_bad_input():
    class Broken:
        def __len__(self):
            return 1

        def __getitem__(self, index):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(Streamed(Broken(), torch.zeros(1), 0).stream([torch.tensor([0])]))


def test_pictures_that_cannot_be_written_to_are_no_reason_to_warn():
    images = np.zeros((2, 3, 16, 16), np.uint8)
    images.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(Streamed(images, torch.zeros(2), 0).stream([torch.tensor([0, 1])]))
