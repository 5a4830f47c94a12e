"""Modules of the user's own: where they are and what determines their code, without importing them."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import packages_distributions, version
from pathlib import Path

from peephole.errors import PeepholeError


@contextmanager
def current_folder_first() -> Iterator[None]:
    """The current folder is importable meanwhile, before all others, as it is to ``python -m``."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def module_file(module: str) -> Path:
    """The file of a module.

    Raises:
        PeepholeError: there is no such module in the current folder or among what is installed.
    """
    with current_folder_first():
        spec = _find(module)
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise PeepholeError(
            f"there is no module {module} in the current folder or among what is installed; go to the folder that "
            f"{module.partition('.')[0]} lies in, or install it."
        )
    return Path(spec.origin)


def module_digest(module: str) -> str:
    """A digest of a module's code and of what it imports, directly or not, from the folder that its top package is in.

    Comments and layout do not count. Of an installed module the versions of what installed it stand for the code.

    Raises:
        PeepholeError: there is no such module, or a file is no Python.
    """
    file = module_file(module)
    installed = _installed(file, module)
    if installed:
        return _sha(f"{module} of {installed}")
    root = file.parents[module.count(".") + (file.name == "__init__.py")]
    code: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = file if name == module else _path(root, name)
        if path is not None and name not in code:
            code[name], imported = _read(path, name)
            waiting += [_parent(name), *imported]
    return _sha("\n".join(f"{name} {text}" for name, text in sorted(code.items())))


def _find(module: str) -> ModuleSpec | None:
    """Where a module is; packages around it are not imported, unlike by `importlib.util.find_spec`."""
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # a module that was not imported from anywhere, such as __main__
        return None
    name = top
    for part in inner:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
    return spec


def _installed(file: Path, module: str) -> str:
    """The distributions that a file was installed by, with their versions; nothing if it was not installed."""
    if not {"site-packages", "dist-packages"}.intersection(file.parts):
        return ""
    distributions = packages_distributions().get(module.partition(".")[0], [])
    return ", ".join(f"{name} {version(name)}" for name in sorted(set(distributions)))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _path(root: Path, module: str) -> Path | None:
    if not module:
        return None
    place = root.joinpath(*module.split("."))
    return next((path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()), None)


def _parent(module: str) -> str:
    return module.rpartition(".")[0]


def _read(path: Path, module: str) -> tuple[str, list[str]]:
    """A module's code, and what it imports by absolute names."""
    if path.suffix != ".py":
        return hashlib.sha256(path.read_bytes()).hexdigest(), []
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise PeepholeError(f"{path} is no Python ({' '.join(str(error).split())}); mend it.") from error
    package = module if path.name == "__init__.py" else _parent(module)
    return ast.unparse(tree), list(_imports(tree, package))


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            around = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*around, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
