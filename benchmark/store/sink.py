"""A file that HDF5 can write to whatever the disk does."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType


class Sink:
    """A new file for `h5py.File`. What goes wrong is raised when it is closed, not while HDF5 is at work.

    HDF5 does not survive a full disk: it cannot close a file that it cannot write to, tries once more when the process
    ends, and takes it down with a segmentation fault. So it is not told: from the first error on, writes are swallowed.
    Nor does it pass on what is raised in here, such as ctrl-C: it leaves out the chunk, and goes on.

    Args:
        path: of the file; overwritten.

    Attributes:
        error: what went wrong first.
    """

    def __init__(self, path: Path) -> None:
        self.error: BaseException | None = None
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self._place = 0
        self._end = 0

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)
        if self.error is not None:
            raise self.error from None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place; the end counts what was swallowed."""
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._end}[whence]
        return self._place

    def tell(self) -> int:
        """Where we are."""
        return self._place

    def write(self, content: memoryview | bytes) -> int:
        """Write all of ``content``."""
        view = memoryview(content).cast("B")
        while self.error is None and view.nbytes:
            try:
                written = os.pwrite(self._descriptor, view, self._place)
            except BaseException as error:  # noqa: BLE001  raised when the file is closed
                self.error = error
                break
            self._place += written
            view = view[written:]
        self._place += view.nbytes
        self._end = max(self._end, self._place)
        return memoryview(content).nbytes

    def read(self, size: int) -> bytes:
        """Read back ``size`` bytes; zeros where nothing was written."""
        content = bytearray(size)
        self.readinto(memoryview(content))
        return bytes(content)

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` as `read` does."""
        view = memoryview(buffer).cast("B")
        content = os.pread(self._descriptor, view.nbytes, self._place)
        view[: len(content)] = content
        view[len(content) :] = bytes(view.nbytes - len(content))
        self._place += view.nbytes
        return view.nbytes

    def truncate(self, size: int | None = None) -> int:
        """Cut or lengthen the file."""
        self._end = self._place if size is None else size
        if self.error is None:
            try:
                os.ftruncate(self._descriptor, self._end)
            except BaseException as error:  # noqa: BLE001  raised when the file is closed
                self.error = error
        return self._end

    def flush(self) -> None:
        """Nothing waits here."""
