import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from peephole.datasets.decoding import decode, picture_size
from peephole.errors import PeepholeError

NOISE = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
PICTURE = Image.fromarray(NOISE)


def encoded(kind, picture=PICTURE, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def refused(path, match, side=24):
    with pytest.raises(PeepholeError, match=match) as error:
        decode(str(path), side)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        *(("L", {}), ("L", {"transparency": 3}), ("1", {}), ("LA", {}), ("P", {}), ("RGBA", {})),
        *(("P", {"transparency": 3}), ("P", {"transparency": bytes(range(256))}), ("RGB", {"transparency": (1, 2, 3)})),
    ],
)
def test_colours_of_any_kind_become_rgb_and_transparency_is_dropped(tmp_path, mode, options):
    picture = PICTURE.convert(mode)
    (tmp_path / "a.png").write_bytes(encoded("PNG", picture, **options))
    expected = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(decode(str(tmp_path / "a.png"), 24), expected)


def test_cmyk_becomes_rgb(tmp_path):
    smooth = PICTURE.resize((2, 2)).resize((24, 24), Image.Resampling.BILINEAR)
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG", smooth.convert("CMYK"), quality=95))
    found = decode(str(tmp_path / "a.jpg"), 24).astype(int)
    assert np.abs(found - np.asarray(smooth).transpose(2, 0, 1)).max() < 12


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF"])
def test_several_frames_are_refused(tmp_path, kind):
    other = Image.fromarray(255 - NOISE)
    (tmp_path / "a.png").write_bytes(encoded(kind, save_all=True, append_images=[other]))
    refused(tmp_path / "a.png", r"a\.png has 2 frames; expected one; save the one that is meant by itself")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP", "TIFF", "PPM", "DIB", "JPEG2000"])
def test_what_pillow_reads_without_loss_is_read_to_the_bit(tmp_path, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    (tmp_path / "a").write_bytes(encoded(kind, **options))
    np.testing.assert_array_equal(decode(str(tmp_path / "a"), 24), NOISE.transpose(2, 0, 1))


def test_a_gif_of_few_colours_is_read_to_the_bit(tmp_path):
    few = PICTURE.quantize(8).convert("RGB")
    few.quantize(8).save(tmp_path / "a.gif")
    np.testing.assert_array_equal(decode(str(tmp_path / "a.gif"), 24), np.asarray(few).transpose(2, 0, 1))


TURNED = {1: 0, 3: 2, 6: 3, 8: 1}
"""By what EXIF says: by how many quarters, against the clock, the pixels have to be turned."""


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_camera_held_sideways_counts_if_asked_for(tmp_path, kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    path = str(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(encoded(kind, exif=exif, **options))
    np.testing.assert_array_equal(decode(path, 24), NOISE.transpose(2, 0, 1))
    turned = np.rot90(NOISE, TURNED[orientation])
    np.testing.assert_array_equal(decode(path, 24, upright=True), turned.transpose(2, 0, 1))


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("upright", [False, True])
def test_a_tiff_is_turned_in_any_case(tmp_path, orientation, upright):
    """Its orientation is part of the format, and Pillow's own."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "a.tif").write_bytes(encoded("TIFF", exif=exif))
    turned = np.rot90(NOISE, TURNED[orientation])
    np.testing.assert_array_equal(decode(str(tmp_path / "a.tif"), 24, upright=upright), turned.transpose(2, 0, 1))


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_the_size_of_a_picture_that_is_turned(tmp_path, kind, upright):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a.png").write_bytes(encoded(kind, PICTURE.crop((0, 0, 9, 6)), exif=exif))
    path = str(tmp_path / "a.png")
    assert picture_size(path, upright=upright) == ((6, 9) if upright or kind == "TIFF" else (9, 6))
    wide = decode(path, 3, fit=lambda picture: Image.new("RGB", (3, 3), (*picture.size, 0)), upright=upright)
    assert tuple(wide[:2, 0, 0]) == picture_size(path, upright=upright)


def test_the_suffix_does_not_say_what_a_file_is(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded("PNG"))
    np.testing.assert_array_equal(decode(str(tmp_path / "a.jpg"), 24), NOISE.transpose(2, 0, 1))
    assert picture_size(str(tmp_path / "a.jpg")) == (24, 24)


def test_pictures_are_fitted_if_the_caller_says_how(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    cropped = decode(str(tmp_path / "a.png"), 4, fit=lambda picture: picture.crop((2, 1, 6, 5)))
    np.testing.assert_array_equal(cropped, NOISE[1:5, 2:6].transpose(2, 0, 1))


def test_a_picture_that_cannot_be_fitted_is_named(tmp_path):
    def fit(picture):
        raise ValueError("too long")

    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    with pytest.raises(PeepholeError, match=r"a\.png cannot be made 4x4 \(too long\); expected .*; remove it"):
        decode(str(tmp_path / "a.png"), 4, fit)


def test_another_size_is_told(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded("PNG", PICTURE.crop((0, 0, 9, 6))))
    refused(tmp_path / "a.png", r"a\.png is 9x6 pixels; expected 8x8; remove it", side=8)


@pytest.mark.parametrize(
    ("kind", "options", "spare"),
    # The last bytes of a PNG are checksums, when all pixels are there already.
    [("JPEG", {}, 0), ("JPEG", {"progressive": True}, 0), ("PNG", {}, 20), ("BMP", {}, 0), ("WEBP", {}, 0)],
)
def test_a_file_that_ends_early_is_refused_wherever_it_ends_and_never_filled_with_grey(tmp_path, kind, options, spare):
    whole = encoded(kind, **options)
    path = tmp_path / "half.jpg"
    for length in {*range(0, len(whole) - spare, 37), len(whole) - spare - 1}:
        path.write_bytes(whole[:length])
        refused(path, r"half\.jpg cannot be read \(.+\); expected a whole picture file; unpack the data again")


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>404</html>", bytes(3000), encoded("PDF"), encoded("EPS"), b"\xff\xd8\xff" * 50],
    ids=["empty", "text", "zeros", "pdf", "eps", "start-only"],
)
def test_something_else_is_refused(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    refused(tmp_path / "a.jpg", r"a\.jpg cannot be read \(.+\); expected a whole picture file")


def test_a_folder_or_nothing_instead_of_a_file_is_refused(tmp_path):
    refused(tmp_path, r"cannot be read \(.*directory.*\); expected")
    refused(tmp_path / "nowhere.png", r"nowhere\.png cannot be read \(.*No such file.*\); expected")


def test_more_than_eight_bits_are_refused_and_not_made_white(tmp_path):
    Image.fromarray(NOISE[:, :, 0].astype(np.uint16) * 256).save(tmp_path / "deep.png")
    refused(tmp_path / "deep.png", r"deep\.png has more than 8 bits a channel \(mode I;16\); expected 8; convert it")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    def forbidden(path, **options):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(Image, "open", forbidden)
    refused(tmp_path / "a.png", r"a\.png may not be read; expected a readable file; change who may")


def claiming(side):
    """A PNG whose header claims another size than it has."""
    whole = encoded("PNG")
    header = b"IHDR" + struct.pack(">II", side, side) + whole[24:29]
    return whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]


@pytest.mark.parametrize("side", [10_000, 20_000])
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_a_decompression_bomb_is_not_unpacked(tmp_path, side, action):
    (tmp_path / "bomb.png").write_bytes(claiming(side))
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        refused(tmp_path / "bomb.png", r"bomb\.png is too large \(.+\); expected at most 89,478,485 pixels; remove it")
        with pytest.raises(PeepholeError, match="too large"):
            picture_size(str(tmp_path / "bomb.png"))
