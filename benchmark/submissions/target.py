"""From what stands on the command line to a submission; nothing of it is run, and torch is not needed."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import shutil
import sys
import sysconfig
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from peephole.attributions.adapters.base import ADAPTERS
from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.methods import digest, names_in, resolve
from peephole.attributions.spec import parse as parse_method
from peephole.errors import PeepholeError, UnknownName
from peephole.submissions.sources import Sources, callables, names, parse, reachable
from peephole.submissions.submission import Submission, check_name
from peephole.texts.grammar import Grammar
from peephole.texts.parsing import parse as parse_text
from peephole.texts.spec import Value

DEFAULT = "explain"
"""What is looked for in a file if no name is given."""
OPTIONS = Grammar("option", ("samples=25", "kind=mean", "sizes=(3, 5)"), nested=False)


def submission(
    target: str,
    folder: Path,
    *,
    name: str | None = None,
    options: Sequence[str] = (),
    beside: Iterable[Path] = (),
) -> Submission:
    """Find a method and what it consists of.

    Args:
        target: ``my_method.py``, ``my_method.py:explain``, ``package.module:object``, ``library:Method``, or the name
            of a method that an installed package registers.
        folder: an empty folder, which its own files are copied to.
        name: on the board; by default after the target.
        options: ``key=value`` each, for the function or constructor.
        beside: files and folders that it reads, which are to lie beside its code.

    Raises:
        PeepholeError: it is not there, is not Python, or has no such function or class; an option is malformed.
    """
    given = _options(options)
    text = target.strip()
    path, colon, wanted = text.rpartition(":") if ".py:" in text else (text, "", "")
    if path.endswith(".py") or "/" in path or "\\" in path:
        found = _of_file(Path(path), wanted if colon else None, folder, given)
    elif ":" not in text or _is_library(text):
        found = _of_text(text, given)
    else:
        found = _of_module(text, folder, given)
    for extra in beside:
        _copy_beside(extra, found, folder)
    return replace(found, name=check_name(name or found.name), target=text, options=given)


def _of_file(path: Path, wanted: str | None, folder: Path, options: tuple[tuple[str, Value], ...]) -> Submission:
    try:
        path = path.expanduser()
        there_is = path.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        raise PeepholeError(f"cannot look for {str(path)[:80]} ({error}); expected a Python file.") from error
    if not there_is:
        near = sorted(each.name for each in path.parent.glob("*.py"))[:5] if path.parent.is_dir() else []
        there = f" There are: {', '.join(near)}." if near else ""
        raise PeepholeError(f"there is no file {path}; expected a Python file with the method.{there}")
    path = path.resolve()
    tree = parse(path)
    known = names(tree)
    chosen = wanted or _chosen(path, callables(tree), known or ())
    if known is not None and chosen.partition(".")[0] not in known:
        raise UnknownName(f"function or class in {path.name}:", chosen, callables(tree))
    sources = reachable(path, path.parent)
    return Submission(
        name=path.stem if wanted in (None, DEFAULT) or chosen == path.stem else f"{path.stem}.{chosen}",
        target="",
        options=(),
        how={"kind": "file", "file": path.name, "object": chosen, "options": dict(options)},
        requires=sources.requires,
        source=_copied(sources, folder),
    )


def _chosen(path: Path, defined: Sequence[str], known: Container[str]) -> str:
    # A class of another library may be imported under this name.
    if DEFAULT in defined or (not defined and DEFAULT in known):
        return DEFAULT
    if len(defined) != 1:
        there = ", ".join(defined) or "none"
        raise PeepholeError(
            f"{path.name} has no function '{DEFAULT}', and which other is the method is not clear (there are: {there})"
            f"; write {path.name}:NAME."
        )
    return defined[0]


def _is_library(text: str) -> bool:
    try:
        ADAPTERS.resolve(parse_method(text).library or "")
    except PeepholeError:
        return False
    return True


def _of_text(text: str, options: tuple[tuple[str, Value], ...]) -> Submission:
    """A method of a library that there is an adapter for, or one that is registered."""
    try:
        spec = parse_method(text)
        whole = resolve(str(replace(spec, options=(*spec.options, *options))))
    except UnknownName as error:
        raise PeepholeError(
            f"{error} A file is written my_method.py, something in a module package.module:object."
        ) from error
    first = names_in(whole)[0]
    return Submission(
        # A row of the benchmark's own method has its name already.
        name=f"{first}-submitted" if first in ATTRIBUTIONS.names() else first,
        target="",
        options=(),
        how={"kind": "method", "text": whole, "options": {}, "code": digest(whole)},
    )


def _of_module(text: str, folder: Path, options: tuple[tuple[str, Value], ...]) -> Submission:
    module, _, wanted = text.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *wanted.split("."))):
        raise PeepholeError(
            f"the target {text!r} is not clear; expected my_method.py, my_method.py:explain, package.module:object, "
            f"or LIBRARY:Method with one of {', '.join(name.replace('_', '-') for name in ADAPTERS.names())}."
        )
    root, installed = _root(module)
    how: Mapping[str, Any] = {"kind": "module", "module": module, "object": wanted, "options": dict(options)}
    if installed:
        needed = Sources({}, frozenset({module.partition(".")[0]})).requires
        return Submission(wanted, "", (), how, needed)
    place = root.joinpath(*module.split("."))
    entry = next(
        (each for each in (place.with_name(f"{place.name}.py"), place / "__init__.py") if each.is_file()), None
    )
    if entry is None:
        raise PeepholeError(f"there is no module {module} in {root}; expected the method there.")
    sources = reachable(entry, root)
    return Submission(wanted, "", (), how, sources.requires, _copied(sources, folder))


def _root(module: str) -> tuple[Path, bool]:
    """The folder that a module's top-level package lies in, and whether that is one of installed packages.

    Looking for a top-level name imports nothing.
    """
    top = module.partition(".")[0]
    try:
        spec = importlib.machinery.PathFinder.find_spec(top, [str(Path.cwd())]) or importlib.util.find_spec(top)
    except ValueError:  # of __main__, which is no module of a file
        spec = None
    if spec is None or spec.origin is None:
        raise PeepholeError(
            f"there is no module {top} here or among the installed packages; expected my_method.py, "
            "package.module:object or LIBRARY:Method."
        )
    if spec.submodule_search_locations is None and spec.origin in ("built-in", "frozen"):
        return Path(), True
    origin = Path(spec.origin)
    root = (origin.parent if spec.submodule_search_locations is None else origin.parent.parent).resolve()
    places = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib", "platstdlib")}
    standard = top in sys.stdlib_module_names
    return root, standard or root in places


def _copied(sources: Sources, folder: Path) -> Path:
    for place, path in sources.files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / place)
    return folder


def _copy_beside(extra: Path, found: Submission, folder: Path) -> None:
    if found.source is None:
        raise PeepholeError(f"{extra} can only lie beside a file or module of your own; {found.name} is installed.")
    if not extra.exists():
        raise PeepholeError(f"there is no {extra}; expected a file or folder that the method reads.")
    extra = extra.resolve()
    if (folder / extra.name).exists():
        raise PeepholeError(f"{extra.name} is there twice; give a file of another name.")
    every = [extra] if extra.is_file() else list(extra.rglob("*"))
    odd = next((path for path in every if path.is_symlink() or not (path.is_file() or path.is_dir())), None)
    if odd is not None or not every:
        raise PeepholeError(f"{odd or extra} is no plain file or folder of such; only those can lie beside a method.")
    try:
        if extra.is_dir():
            shutil.copytree(extra, folder / extra.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(extra, folder / extra.name)
    except (OSError, shutil.Error) as error:
        raise PeepholeError(f"cannot copy {extra} ({error}); expected files that can be read.") from error


def _options(texts: Sequence[str]) -> tuple[tuple[str, Value], ...]:
    found: dict[str, Value] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier() or not value.strip():
            raise PeepholeError(f"the option {text!r} is not clear; expected key=value, such as {OPTIONS.examples[0]}.")
        if name.strip() in found:
            raise PeepholeError(f"the option {name.strip()} is given twice.")
        given = parse_text(f"option({text})", OPTIONS).options
        if len(given) != 1:
            raise PeepholeError(f"the option {text!r} is several; give each an --option of its own.")
        found.update(given)
    return tuple(found.items())
