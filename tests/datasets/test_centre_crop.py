import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from peephole.datasets.centre_crop import CentreCrop

LENGTHS = st.integers(20, 90)


def test_the_usual_proportion():
    assert CentreCrop.usual(224) == CentreCrop(224, 256)
    assert CentreCrop.usual(32) == CentreCrop(32, 37)
    assert str(CentreCrop.usual(224)) == "shorter side 256 bilinear, centre 224"


@given(LENGTHS, LENGTHS, st.integers(16, 40))
def test_pixels_are_those_of_torchvision(width, height, side):
    crop = CentreCrop.usual(side)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    theirs = Compose([Resize(crop.shorter, InterpolationMode.BILINEAR), CenterCrop(side)])
    picture = Image.fromarray(pixels)
    np.testing.assert_array_equal(np.asarray(crop(picture)), np.asarray(theirs(picture)))


@given(LENGTHS, LENGTHS, st.integers(16, 64), st.data())
def test_a_box_goes_where_its_pixels_go(width, height, side, data):
    left, top = data.draw(st.integers(0, width - 5)), data.draw(st.integers(0, height - 5))
    right, bottom = data.draw(st.integers(left + 4, width)), data.draw(st.integers(top + 4, height))
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[top:bottom, left:right] = 255
    crop = CentreCrop.usual(side)
    bright = np.asarray(crop(Image.fromarray(pixels)))[:, :, 0] > 127
    box = crop.box((left / width, top / height, right / width, bottom / height), (width, height))
    assert (box >= 0).all()
    assert (box <= side).all()
    inside = np.zeros_like(bright)
    inside[box[1] : box[3], box[0] : box[2]] = True
    assert not (bright & ~inside).any()
    if bright.any():
        rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
        tight = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        # Of a thin box that is shrunk, a pixel on either side is neither half bright nor wholly outside.
        assert np.abs(box - tight).max() <= (2 if min(width, height) > crop.shorter else 1)


def test_of_a_box_that_is_cropped_away_nothing_is_left():
    crop = CentreCrop(20, 20)
    assert crop.box((0, 0, 0.2, 1), (60, 20)).tolist() == [0, 0, 0, 0]
    assert crop.box((0, 0, 0.5, 0.5), (60, 20)).tolist() == [0, 0, 10, 10]
    assert crop.box((0, 0, 1, 1), (60, 20)).tolist() == [0, 0, 20, 20]


def test_an_extremely_thin_picture_is_refused_before_it_is_resized():
    with pytest.raises(ValueError, match=r"1x60000 would become 256x15360000 pixels first"):
        CentreCrop.usual(224)(Image.new("RGB", (1, 60_000)))
