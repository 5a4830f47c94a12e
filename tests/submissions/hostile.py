"""Submissions that mean harm, each with what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

EXPLAIN = "def explain(model, x, target):\n"


@dataclass(frozen=True)
class Hostile:
    """Code, words of the line that is to say what is wrong with it, and how long it may take a batch."""

    name: str
    code: str
    said: str
    seconds: float = 60


def _body(text: str) -> str:
    return EXPLAIN + "".join(f"    {line}\n" for line in dedent(text).strip().splitlines())


ENDING = (
    Hostile("hang", _body("while True: pass"), "took more than 1 s ", seconds=1),
    Hostile(
        "deaf",
        "import signal, time\nfor one in (1, 2, 15): signal.signal(one, signal.SIG_IGN)\n" + _body("time.sleep(1000)"),
        "took more than 1 s ",
        seconds=1,
    ),
    Hostile("crash", _body("import ctypes; ctypes.string_at(0)"), "SIGSEGV"),
    Hostile("exit", _body("import os; os._exit(7)"), "exit code 7"),
    Hostile(
        "leak",
        "import numpy as np\nkept = []\n" + _body("while True: kept.append(np.ones(2_000_000))"),
        "memory that it may",
    ),
    Hostile("fork_bomb", _body("import os\nwhile True: os.fork()"), "more than 8 processes"),
    Hostile("printed_gigabyte", _body("while True: print('x' * 10_000_000)"), "printed more than"),
    Hostile(
        "thread_bomb",
        _body(
            "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()"
        ),
        "thread",  # as many as it may run, or as fit in the memory that it may use
    ),
    Hostile(
        "gibberish",
        _body(
            """
            import os, socket, stat
            for number in range(3, 64):
                try:
                    if stat.S_ISSOCK(os.fstat(number).st_mode): os.write(number, b'0' * 4096)
                except OSError: pass
            """
        ),
        "no answer",
    ),
    Hostile(
        "endless_answer",
        _body(
            """
            import os, stat, struct
            for number in range(3, 64):
                try:
                    if stat.S_ISSOCK(os.fstat(number).st_mode): os.write(number, struct.pack('>QQ', 2, 1 << 50) + b'{}')
                except OSError: pass
            """
        ),
        "no answer",
    ),
    Hostile(
        "hung_up",
        _body("import os; os.closerange(3, 64)\nimport time; time.sleep(1000)"),
        "was ended",
        seconds=1,
    ),
)
"""They are run with 8 processes, a gigabyte of memory and a hundred thousand bytes of output."""

STAYING = (
    Hostile("exit_politely", _body("import sys; sys.exit(3)"), "asked to exit the process (code 3)"),
    Hostile("one_huge_array", _body("import torch; torch.ones(1 << 40)"), "ran out of the memory"),
    Hostile(
        "patched_torch", _body("import torch; torch.Tensor.sum = lambda *a: 0\nreturn x"), "replaced torch.Tensor.sum"
    ),
)
"""They leave their process alive."""

PROBES = """
import os, socket, sys
from pathlib import Path

def attempt(what, *arguments):
    try:
        what(*arguments)
    except Exception:
        return False
    return True

def connect(port):
    socket.create_connection(("127.0.0.1", port), 1).close()

def resolve():
    socket.getaddrinfo("pypi.org", 443)

def reach(path):
    socket.socket(socket.AF_UNIX).connect(path)

def write(path):
    Path(path).write_text("spoilt")

def explain(model, x, target):
    board, port, host, home, bus = Path(__file__).with_name("told.txt").read_text().split("\\n")
    done = {
        "read the board": attempt(Path(board).read_bytes),
        "listed the results": attempt(os.listdir, str(Path(board).parent)),
        "wrote to the board": attempt(write, board),
        "wrote beside its code": attempt(write, str(Path(__file__).with_name("more.py"))),
        "wrote at home": attempt(write, home + "/.peephole-was-here"),
        "reached the network": attempt(connect, int(port)) or attempt(resolve),
        "reached a socket in the file system": attempt(reach, bus),
        "made memory that nobody counts": attempt(os.memfd_create, "hidden"),
        "killed the benchmark": attempt(os.kill, int(host), 0),
        "read the memory of the benchmark": attempt(Path(f"/proc/{host}/maps").read_bytes),
        "read the environment": "PEEPHOLE_SECRET" in os.environ,
        "mounted": os.system("mount -t tmpfs none /usr 2>/dev/null") == 0,
        "opened many files": attempt(lambda: [open("/dev/null") for _ in range(1000)]),
        "filled the disk": attempt(lambda: [Path(f"{n}").write_bytes(bytes(1 << 20)) for n in range(64)]),
    }
    raise RuntimeError("managed: " + (", ".join(name for name, managed in done.items() if managed) or "nothing"))
"""
"""Tries what must not be possible, and says what was."""
