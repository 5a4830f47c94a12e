"""Arrays in JSON, bit by bit: zlib and base64; torch-free."""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from peephole.errors import PeepholeError

ZLIB_LEVEL = 6
Type = Literal["<f8", "|b1"]


def array_text(array: NDArray[np.float64] | NDArray[np.bool_]) -> str:
    """The bytes of an array (float64, little-endian, or bool) in C order, compressed, in base64."""
    dtype = "|b1" if array.dtype == np.bool_ else "<f8"
    plain = np.ascontiguousarray(array, dtype=dtype).tobytes()
    return base64.b64encode(zlib.compress(plain, ZLIB_LEVEL)).decode("ascii")


def read_array(text: str, dtype: Type, shape: Sequence[int]) -> NDArray[Any]:
    """Read what `array_text` wrote. No more memory is taken than the shape asks for, whatever the text says.

    Raises:
        PeepholeError: the text is damaged, or has more or fewer numbers than the shape, or bools that are none.
    """
    wanted = math.prod(shape) * np.dtype(dtype).itemsize
    try:
        reader = zlib.decompressobj()
        plain = reader.decompress(base64.b64decode(text, validate=True), wanted + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise PeepholeError(f"an array is damaged ({error}), expected {dtype} {list(shape)}") from error
    if len(plain) != wanted or not (reader.eof or not wanted):
        raise PeepholeError(f"an array has another size than {dtype} {list(shape)}")
    if dtype == "|b1" and not set(plain) <= {0, 1}:
        raise PeepholeError(f"an array of {dtype} {list(shape)} holds something else than 0 and 1")
    array: NDArray[Any] = np.frombuffer(plain, dtype=dtype).reshape(tuple(shape)).astype(np.dtype(dtype[1:]))
    return array
