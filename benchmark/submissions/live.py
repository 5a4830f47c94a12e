"""A submission from a function or class in this very process: of a notebook, a script, or an imported module."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from peephole.errors import PeepholeError
from peephole.submissions.submission import Submission, check_name
from peephole.submissions.target import submission

FILE = "method.pkl"


def from_object(method: Callable[..., Any] | type | object, folder: Path, *, name: str | None = None) -> Submission:
    """What `peephole.submissions.target.submission` makes of a text, of an object.

    A function or class that can be imported by its name is submitted as that, with the code of its module; anything
    else as a pickle by cloudpickle, with all that it refers to in ``__main__`` or its own module. What it imports from
    other modules of yours is known by name only: after editing such a module, submit under another name.

    Args:
        method: a function, a class or an instance, as `peephole.submissions.adapted.adapt` takes them.
        folder: an empty folder.
        name: on the board; by default the object's.

    Raises:
        PeepholeError: the name cannot stand on a board, or the object cannot be pickled.
    """
    inner = method
    while isinstance(inner, partial):
        inner = inner.func
    module, title = getattr(inner, "__module__", None), getattr(inner, "__qualname__", type(inner).__name__)
    named = _stands_under_its_name(method, str(module), title)
    if named and module not in (None, "__main__", "builtins") and _is_importable(str(module)):
        try:
            return submission(f"{module}:{title}", folder, name=name)
        except PeepholeError:
            pass  # made at run time: there is no source of it
    check_name(name or title.rpartition(".")[2])
    import cloudpickle

    # What is installed is there in the other process, too; what is not has to come along.
    along = not named and _is_importable(str(module)) and not _is_installed(str(module))
    by_value = sys.modules[str(module)] if along else None
    if by_value is not None:
        cloudpickle.register_pickle_by_value(by_value)
    try:
        data = cloudpickle.dumps(method)
    except Exception as error:  # what is pickled decides what it raises
        reason = " ".join(str(error).split())[:200]
        raise PeepholeError(
            f"{title} cannot be sent to a process of its own ({type(error).__name__}: {reason}); put the method in a "
            "file of its own and give its name, such as 'my_method.py:explain'."
        ) from error
    finally:
        if by_value is not None:
            cloudpickle.unregister_pickle_by_value(by_value)
    (folder / FILE).write_bytes(data)
    how = {"kind": "object", "file": FILE, "options": {}}
    return Submission(name or title.rpartition(".")[2], f"the object {title}", (), how, source=folder)


def _stands_under_its_name(method: object, module: str, title: str) -> bool:
    """Whether importing the name gives this very object: not so of methods of instances, nor of what was wrapped or
    defined anew.
    """
    found: object = sys.modules.get(module)
    for part in title.split("."):
        found = getattr(found, part, None)
    return found is method


def _is_importable(module: str) -> bool:
    found = sys.modules.get(module)
    return found is not None and getattr(found, "__file__", None) is not None


def _is_installed(module: str) -> bool:
    path = Path(str(sys.modules[module].__file__)).resolve()
    places = (sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib", "platstdlib"))
    return any(path.is_relative_to(Path(place).resolve()) for place in places)
