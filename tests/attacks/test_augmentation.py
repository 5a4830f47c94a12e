import torch

from peephole.attacks.augmentation import random_crop, random_flip


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_each_crop_is_a_window_of_the_mirrored_picture():
    x = torch.arange(4 * 2 * 6 * 6).reshape(4, 2, 6, 6).float()
    cropped = random_crop(x, 2, seeded())
    padded = torch.nn.functional.pad(x, (2,) * 4, mode="reflect")
    for picture in range(4):
        windows = [padded[picture, :, i : i + 6, j : j + 6] for i in range(5) for j in range(5)]
        assert any(torch.equal(cropped[picture], window) for window in windows)


def test_all_shifts_occur_and_differ_between_pictures():
    x = torch.arange(36.0).reshape(1, 1, 6, 6).repeat(500, 1, 1, 1)
    corners = {float(value) for value in random_crop(x, 2, seeded())[:, 0, 3, 3]}
    assert len(corners) == 25


def test_no_padding_changes_nothing():
    x = torch.rand(2, 3, 8, 8)
    assert random_crop(x, 0, seeded()) is x


def test_flips_are_mirrors_half_of_the_time():
    x = torch.rand(400, 1, 4, 4)
    flipped = random_flip(x, seeded())
    mirrored = (flipped == x.flip(-1)).flatten(1).all(1)
    same = (flipped == x).flatten(1).all(1)
    assert (mirrored | same).all()
    assert 150 < int(mirrored.sum()) < 250


def test_bytes_stay_bytes():
    x = torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8)
    assert random_crop(x, 2, seeded()).dtype == torch.uint8
