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

from peephole.submissions import confinement, landlock, seccomp
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
    shut_in(Path(hello["source"]) if hello["source"] else None, hello)
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
    leave = os._exit  # as it is before anything is loaded
    poll = select.poll()
    poll.register(channel, getattr(select, "POLLRDHUP", 0) | select.POLLHUP)
    poll.poll()
    leave(0)


def shut_in(source: Path | None, hello: Mapping[str, Any]) -> None:
    """Give up what a submission does not need; for good, and for all that this process will start."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, hello["disk"])
    _limit(resource.RLIMIT_NOFILE, hello["files"])
    try:
        if landlock.version():
            landlock.restrict(confinement.readable(source), confinement.writable(Path.cwd()))
        if seccomp.is_known():
            seccomp.refuse_calls(drivers=not str(hello["device"]).startswith("cpu"))
    except OSError as error:
        os.write(2, f"the system does not let a process shut itself in: {error}\n".encode())
        sys.exit(CODE)


def _limit(what: int, most: int) -> None:
    """Set a limit for good, or leave one that is lower already."""
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _limit_memory(memory: int) -> None:
    """So that one allocation that is too large fails by itself; what grows slowly is watched from outside."""
    used = Path("/proc/self/statm")
    if used.exists():  # elsewhere what is watched from outside has to do
        there = int(used.read_text().split()[0]) * resource.getpagesize()
        _limit(resource.RLIMIT_AS, there + memory)


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
