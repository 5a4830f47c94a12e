"""Which files make a method what it is: its own, and those of its folder that they import; torch-free."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path

from peephole.errors import PeepholeError
from peephole.submissions.blame import syntax

RECORDED_ANYWAY = frozenset({"torch", "numpy", "peephole"})
"""Their versions stand in every row."""


@dataclass(frozen=True)
class Sources:
    """Files and what they import from elsewhere.

    Attributes:
        files: paths below the root, by their place there.
        imported: top-level names that they import and that are not among them.
    """

    files: dict[Path, Path]
    imported: frozenset[str]

    @property
    def requires(self) -> dict[str, str]:
        """The versions of the installed distributions that are imported, by name."""
        providers = _providers()
        names = {name for module in self.imported for name in providers.get(module, ())}
        return {name: version(name) for name in sorted(names) if name.lower() not in RECORDED_ANYWAY}


@cache
def _providers() -> Mapping[str, list[str]]:
    """The installed distributions by the top-level names that they provide; read once a process."""
    return packages_distributions()


def reachable(entry: Path, root: Path) -> Sources:
    """``entry`` and the files below ``root`` that it imports, directly or not.

    Raises:
        PeepholeError: a file cannot be read; if it is not Python, the message points at the line.
    """
    files: dict[Path, Path] = {}
    imported: set[str] = set()
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        place = path.relative_to(root)
        if place in files:
            continue
        files[place] = path
        waiting += [
            each for folder in place.parents if (each := root / folder / "__init__.py").is_file() and folder.name
        ]
        for name in _imported(parse(path), place):
            found = list(_files(root, name))
            waiting += found
            if not found:
                imported.add(name.partition(".")[0])
    return Sources(files, frozenset(imported - sys.stdlib_module_names))


def parse(path: Path) -> ast.Module:
    """A file's syntax tree.

    Raises:
        PeepholeError: see `reachable`.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise PeepholeError(
            f"cannot read {path} ({error.strerror}); expected a Python file with the method."
        ) from error
    try:
        return ast.parse(text, filename=str(path))
    except SyntaxError as error:
        raise PeepholeError(f"{path} {syntax(error)}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise PeepholeError(f"{path} is no Python file ({error}); expected one with the method.") from error


def callables(tree: ast.Module) -> list[str]:
    """The public functions and classes that a file defines, in its order."""
    defined = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef))
    return [node.name for node in defined if not node.name.startswith("_")]


def names(tree: ast.Module) -> set[str] | None:
    """Every name that stands at the top of a file; None if they cannot be known without running it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return None
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def _imported(tree: ast.Module, place: Path) -> Iterator[str]:
    """Dotted names of all modules that a file imports, and of what may be modules."""
    package = place.parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}".strip(".") for alias in node.names)


def _files(root: Path, name: str) -> Iterable[Path]:
    """The files below the root that importing a dotted name runs."""
    place = root
    for part in name.split("."):
        place = place / part
        for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if path.is_file():
                yield path
