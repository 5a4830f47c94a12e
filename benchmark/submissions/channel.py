"""Messages between the benchmark and a submission's process: JSON and tensors, never a pickle in the way back.

A message is two lengths, a JSON object, and tensors as safetensors has them: neither can run anything when it is read.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

LENGTHS = struct.Struct(">QQ")
MOST_TEXT = 2**20
PIECE = 2**20


class Broken(Exception):
    """What came is no message, or is larger than what was asked for."""


class Gone(Exception):
    """The other side has closed the channel."""


class Channel:
    """One end.

    Args:
        end: a connected stream socket.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(
        self, message: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None, seconds: float | None = None
    ) -> None:
        """Send one message.

        Raises:
            TimeoutError: the other side did not take it in time.
            Gone: there is no other side any more.
        """
        from safetensors.torch import save

        text = json.dumps(message).encode()
        values = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}) if tensors else b""
        self._end.settimeout(seconds)
        try:
            self._end.sendall(LENGTHS.pack(len(text), len(values)) + text)
            self._end.sendall(values)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Gone from error

    def receive(self, seconds: float | None = None, most: int | None = None) -> tuple[Any, dict[str, Tensor]]:
        """The next message and its tensors, on the CPU.

        Args:
            seconds: how long to wait for all of it.
            most: bytes that its tensors may have.

        Raises:
            TimeoutError: it did not come in time.
            Broken: it is no message, or too large.
            Gone: there is no other side any more.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        deadline = None if seconds is None else time.monotonic() + seconds
        text, values = LENGTHS.unpack(self._take(LENGTHS.size, deadline))
        if text > MOST_TEXT or (most is not None and values > most):
            raise Broken(f"a message of {text + values} bytes")
        try:
            message = json.loads(self._take(text, deadline))
            return message, load(bytes(self._take(values, deadline))) if values else {}
        except (ValueError, RecursionError, SafetensorError, KeyError) as error:
            raise Broken(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Nothing is sent or received any more."""
        self._end.close()

    def _take(self, count: int, deadline: float | None) -> bytearray:
        taken = bytearray(count)
        view, start = memoryview(taken), 0
        while start < count:
            self._end.settimeout(None if deadline is None else max(1e-3, deadline - time.monotonic()))
            try:
                got = self._end.recv_into(view[start : start + PIECE])
            except ConnectionResetError as error:
                raise Gone from error
            if not got:
                raise Gone
            start += got
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError
        return taken
