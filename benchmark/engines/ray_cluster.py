"""A Ray cluster: started here or joined, without a word on the terminal, and left as it was found."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from peephole.errors import PeepholeError
from peephole.machine import core_count

PATIENCE = 5.0
"""Seconds for an address to answer."""
OBJECTS = 100 * 1024 * 1024
"""Bytes for Ray's own store; what travels is small."""
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # tells its makers nothing
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # or it warns of what it may do one day
    "RAY_task_oom_retries": "3",  # for ever unless told
}
"""Of the environment while Ray is started, unless the user has others."""

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""What begins a conversation with a server of gRPC, which Ray's are."""
_KIND, _SETTINGS_FRAME = 3, 4


def check_ray(address: str | None) -> None:
    """Refuse what cannot be: Ray is not installed, or nothing of its kind answers.

    Ray itself would try for minutes.

    Raises:
        PeepholeError: see above.
    """
    if importlib.util.find_spec("ray") is None:
        raise PeepholeError("the engine ray needs Ray: pip install 'peephole[ray]', on every node.")
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS", address)
    if address in (None, "auto", "local"):
        return
    host, _, port = str(address).removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise PeepholeError(f"ray takes address=auto, 'HOST:PORT' or 'ray://HOST:PORT', not '{address}'.")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), PATIENCE) as line:
            if os.environ.get("RAY_USE_TLS", "0") in ("0", ""):
                line.sendall(_PREFACE)
                answer = line.recv(_KIND + 1, socket.MSG_WAITALL)
                if len(answer) <= _KIND or answer[_KIND] != _SETTINGS_FRAME:
                    raise ConnectionError("what answers is not Ray")
    except (OSError, OverflowError) as error:
        raise PeepholeError(
            f"no Ray cluster answers at {address} ({error}); start one with ray start --head, or give no address."
        ) from error


@contextmanager
def cluster(address: str | None) -> Iterator[Any]:
    """The library, connected; what was started for it ends with the block, and what was there stays.

    Args:
        address: None starts Ray on this machine; ``auto`` or an address joins a cluster.

    Raises:
        PeepholeError: see `check_ray`; or Ray says no.
    """
    check_ray(address)
    with _settings():
        import ray

        if ray.is_initialized():
            yield ray
            return
        with _own_signals():
            _connect(ray, address)
    try:
        yield ray
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str | None) -> None:
    own = {"num_cpus": core_count(), "object_store_memory": OBJECTS, "include_dashboard": False}
    given = {"address": address} if address else {"address": "local", **own}
    try:
        ray.init(**given, logging_level="ERROR", log_to_driver=False)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        reason = " ".join(str(error).split())
        raise PeepholeError(
            f"cannot use Ray ({reason}); start it with ray start --head, or give no address."
        ) from error


@contextmanager
def _settings() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in SETTINGS}
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                os.environ.pop(name, None)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray takes SIGTERM for itself; whoever has a handler for it keeps it, and ends Ray on its way out."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if callable(before) and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def places(nodes: list[Mapping[str, Any]], num_cpus: int, num_gpus: float) -> int:
    """How many groups that need so much the nodes of a cluster can compute at once.

    Raises:
        PeepholeError: none, ever.
    """
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    count = sum(_fits(node, num_cpus, num_gpus) for node in alive)
    if not count:
        there = ", ".join(f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in alive) or "nothing"
        raise PeepholeError(
            f"no node of the Ray cluster has {num_cpus} CPUs and {num_gpus:g} GPUs for one group (its nodes have "
            f"{there}); lower num_cpus or num_gpus, or add a node."
        )
    return count


def _fits(node: Mapping[str, float], num_cpus: int, num_gpus: float) -> int:
    by_cpu = int(node.get("CPU", 0) // num_cpus)
    return min(by_cpu, int(node.get("GPU", 0) / num_gpus + 1e-6)) if num_gpus else by_cpu
