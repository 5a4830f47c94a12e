"""From what a submission says about itself to the object that explains; in the submission's own process."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from peephole.errors import PeepholeError


def load(how: Mapping[str, Any], source: Path | None) -> object:
    """Import what is to explain.

    Args:
        how: ``kind``, and what that kind needs, see `peephole.submissions.submission.Submission.how`.
        source: the folder with its own code, if it has some.

    Raises:
        PeepholeError: the object is not there; besides whatever its code raises when it is imported.
    """
    if source is not None:
        sys.path.insert(0, str(source))
    return _KINDS[how["kind"]](how, source)


def _from_file(how: Mapping[str, Any], source: Path | None) -> object:
    assert source is not None
    path = source / how["file"]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses and pickles look their module up
    spec.loader.exec_module(module)
    return _member(module, how["object"], how["file"])


def _from_module(how: Mapping[str, Any], source: Path | None) -> object:
    return _member(importlib.import_module(how["module"]), how["object"], how["module"])


def _from_text(how: Mapping[str, Any], source: Path | None) -> object:
    from peephole.attributions.methods import build

    return build(how["text"])


def _from_pickle(how: Mapping[str, Any], source: Path | None) -> object:
    import cloudpickle

    assert source is not None
    return cloudpickle.loads((source / how["file"]).read_bytes())


_KINDS: Mapping[str, Callable[[Mapping[str, Any], Path | None], object]] = {
    "file": _from_file,
    "module": _from_module,
    "method": _from_text,
    "object": _from_pickle,
}


def _member(module: object, path: str, where: str) -> object:
    found = module
    for name in path.split("."):
        if not hasattr(found, name):
            raise PeepholeError(f"there is no '{path}' in {where}; expected the name of a function or class in it.")
        found = getattr(found, name)
    return found
