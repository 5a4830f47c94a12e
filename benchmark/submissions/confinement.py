"""What keeps a submission's process apart on this machine, as far as the system allows it; torch-free."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from peephole.submissions import landlock, seccomp
from peephole.submissions.limits import Limits

APART = ("--user", "--map-root-user", "--net", "--pid", "--ipc", "--mount", "--fork", "--kill-child", "--mount-proc")
"""Namespaces: no network at all, no other processes, no shared memory, mounts of its own; all of it dies together."""
IN_MEMORY = 'mount -t tmpfs -o "size=$1,mode=700" none "$2" && cd "$2" && shift 2 && exec "$@"'
"""A working folder that is gone with the process, and cannot fill a disk."""
KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
KEPT_FAMILIES = ("CUDA_", "NVIDIA_", "HIP_", "ROCR_")
READABLE = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc",
    "/sys",
    "/opt/rocm",
    "/dev/urandom",
    "/dev/random",
)
WRITABLE = ("/dev/null", "/dev/zero", "/dev/kfd", "/dev/dri")
PROCESS_FACTS = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys", "/proc/driver")


@dataclass(frozen=True)
class Confinement:
    """How a submission is kept apart.

    Attributes:
        namespaces: whether it has Linux namespaces of its own: no network, no other processes.
        landlock: the version of Landlock that keeps files out of its reach; 0 for none.
        seccomp: whether system calls are filtered: no sockets.
    """

    namespaces: bool
    landlock: int
    seccomp: bool

    @property
    def sentence(self) -> str:
        """In words, for people; it says what is missing, too."""
        has = ["a process of its own with limits on time, memory, processes, threads, files and output"]
        lacks = []
        if self.namespaces:
            has.append("no network and no other processes in sight (Linux namespaces)")
        else:
            lacks.append("it may start processes that outlive it and fill the disk: this system allows no namespaces")
            if self.landlock < 6:
                lacks.append("it may send signals to your processes, as this system has no Landlock of version 6")
        if self.seccomp:
            has.append("no sockets (seccomp)")
        elif self.namespaces:
            lacks.append("sockets in the file system are open, as there is no filter of system calls for this system")
        else:
            lacks.append("the network is open, as there is no filter of system calls for this system")
        if self.landlock:
            has.append("only its own source, its working folder and the installed packages to read (Landlock)")
        else:
            lacks.append("all your files can be read, as this system has no Landlock")
        return "; ".join(["isolation: " + ", ".join(has), *(f"NOT isolated: {what}" for what in lacks)])

    def command(self, arguments: list[str], folder: Path, limits: Limits) -> list[str]:
        """The command that runs ``arguments`` in the working folder, kept apart."""
        if not self.namespaces:
            return arguments
        inside = ["sh", "-c", IN_MEMORY, "sh", str(limits.disk), str(folder), *arguments]
        return [_unshare(), *APART, *inside]


@cache
def confinement() -> Confinement:
    """What this machine can do; tried out once a process."""
    return Confinement(_has_namespaces(), landlock.version(), seccomp.is_known())


def environment(folder: Path) -> dict[str, str]:
    """The environment of a submission: what libraries need to be found, and the working folder as home."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_FAMILIES)}
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TORCH_HOME"), str(folder))
    return kept | places | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}


def readable(source: Path | None) -> list[Path]:
    """What a submission may read: Python, the installed packages, system libraries, and its own source."""
    ours = [Path(path) for name in _PACKAGES for path in _paths(name)]
    searched = [Path(entry) for entry in sys.path if entry and Path(entry).is_absolute()]
    libraries = [Path(entry) for entry in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if entry]
    python = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent]
    facts = ["/proc"] if os.getpid() == 1 else list(PROCESS_FACTS)
    own = [] if source is None else [source]
    return [*map(Path, READABLE), *map(Path, facts), *python, *searched, *libraries, *ours, *own]


def writable(folder: Path) -> list[Path]:
    """What a submission may write: its working folder, and devices."""
    return [folder, *map(Path, WRITABLE), *Path("/dev").glob("nvidia*")]


_PACKAGES = ("peephole", "peephole.triggers", "peephole.attacks", "peephole.attributions", "peephole.leaderboard")


def _paths(package: str) -> list[str]:
    from importlib.util import find_spec

    spec = find_spec(package)
    return list(spec.submodule_search_locations or []) if spec else []


def _unshare() -> str:
    return shutil.which("unshare") or "unshare"


def _has_namespaces() -> bool:
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        return False
    try:
        tried = subprocess.run([_unshare(), *APART, "true"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0
