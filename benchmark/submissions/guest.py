"""The process of one submission: ``python -m peephole.submissions.guest``, started by `peephole.submissions.host`.

It shuts itself in before it loads anything, then answers what it is asked. What it holds of the benchmark is public:
the network as a canonical graph, pictures, labels and the names of layers come in; maps go out.
"""

from __future__ import annotations

import io
import os
import resource
import select
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peephole.submissions import confinement, landlock
from peephole.submissions.channel import Channel, Gone

if TYPE_CHECKING:
    from torch import Tensor

Answer = tuple[dict[str, Any], dict[str, "Tensor"]]
CODE = 3
"""Exit code of a guest that could not shut itself in."""


def main() -> None:
    """Serve until the host closes the channel."""
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    hello, _ = channel.receive()
    shut_in(Path.cwd(), Path(hello["source"]) if hello["source"] else None, hello["files"], hello["disk"])
    threading.Thread(target=leave_with_host, args=(int(sys.argv[1]),), daemon=True).start()
    import torch

    torch.set_num_threads(hello["threads"])
    if hello["memory"]:
        _limit_memory(hello["memory"])
    from peephole.devices import device_of
    from peephole.submissions.service import Service

    service = Service(device_of(hello["device"]), Path(hello["source"]) if hello["source"] else None)
    tasks: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Tensor]], Answer]] = {
        "load": service.load,
        "network": service.network,
        "layers": service.layers,
        "explain": service.explain,
    }
    while True:
        try:
            message, tensors = channel.receive()
        except Gone:
            return
        channel.send(*_answered(tasks[message["do"]], message, tensors))


def leave_with_host(channel: int) -> None:
    """End this process when the benchmark has ended, whatever is being computed."""
    poll = select.poll()
    poll.register(channel, select.POLLRDHUP | select.POLLHUP)
    poll.poll()
    os._exit(0)


def shut_in(folder: Path, source: Path | None, files: int, disk: int) -> None:
    """Give up what a submission does not need; for good, and for all that this process will start."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    if landlock.version():
        try:
            landlock.restrict(confinement.readable(source), confinement.writable(folder))
        except OSError as error:
            os.write(2, f"Landlock refuses: {error}\n".encode())
            sys.exit(CODE)


def _limit_memory(memory: int) -> None:
    """So that one allocation that is too large fails by itself; what grows slowly is watched from outside."""
    with Path("/proc/self/statm").open() as file:
        there = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (there + memory, there + memory))


def _answered(
    task: Callable[[Mapping[str, Any], Mapping[str, Tensor]], Answer],
    message: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
) -> Answer:
    """What a task answers, or what went wrong in it: a submission may raise anything, and ask to exit."""
    from peephole.submissions.blame import blamed

    try:
        return task(message, tensors)
    except BaseException as error:  # noqa: BLE001
        text = io.StringIO()
        traceback.print_exception(error, file=text)
        return {"error": blamed(error), "trace": text.getvalue()[-20_000:]}, {}


if __name__ == "__main__":
    main()
