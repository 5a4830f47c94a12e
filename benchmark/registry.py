"""Registries: a thing is registered by being a file.

A registry is a package in which every public module defines one thing and is named after it:
`attributions/rules/guided_backprop.py` defines the attribution `guided_backprop`. Names and digests are
therefore known without importing anything, which keeps planning a run free of torch; the module is imported when the
thing is asked for. Other distributions add things through an entry-point group of the registry's package name.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Generic, TypeVar

from peephole.errors import PeepholeError, UnknownName

T = TypeVar("T")
C = TypeVar("C")


class Registry(Generic[T]):
    """The things of one kind, by name.

    Args:
        kind: what an entry is called in messages, for example ``"attribution"``.
        package: the package whose public modules are the entries, for example ``"peephole.attributions.rules"``.
        group: the entry-point group through which other distributions add entries, if they may.
        support: modules of the package that are no entries.
    """

    def __init__(self, kind: str, package: str, group: str | None = None, support: Iterable[str] = ()) -> None:
        self.kind = kind
        self.package = package
        self.group = group
        self.support = frozenset(support)
        self._things: dict[str, T] = {}
        self._digests: dict[str, str] = {}
        self._read: dict[str, tuple[str, list[str]] | None] = {}  # modules, each parsed once

    def register(self, thing: C) -> C:
        """Register the decorated thing under the name of the module that defines it."""
        module: str = thing.__module__
        name = module.rpartition(".")[2]
        if name in self._things and self._things[name] is not thing:
            raise ValueError(f"{module} registers two {self.kind}s; one a file")
        self._things[name] = thing  # type: ignore[assignment]
        return thing

    @cached_property
    def _folder(self) -> Path:
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(self.package)
        return Path(spec.submodule_search_locations[0])

    @cached_property
    def _foreign(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self.group)} if self.group else {}

    @cached_property
    def _ours(self) -> dict[str, str]:
        """The names of our modules by the spelling in which they are looked up; the folder is read once a process."""
        names = {info.name for info in pkgutil.iter_modules([str(self._folder)])} - self.support
        return {_spelling(name): name for name in names}

    def names(self) -> list[str]:
        """All names, sorted, without importing the things."""
        return sorted({*self._ours.values(), *self._foreign})

    def resolve(self, name: str) -> str:
        """The registered spelling of ``name`` (``-`` and case do not matter).

        Raises:
            UnknownName: nothing is registered under it.
        """
        known = {_spelling(each): each for each in self._foreign} | self._ours
        if _spelling(name) not in known:
            raise UnknownName(self.kind, name, self.names())
        return known[_spelling(name)]

    def __getitem__(self, name: str) -> T:
        name = self.resolve(name)
        if name not in self._things:
            if name in self._foreign:
                self._things[name] = self._foreign[name].load()
            else:
                importlib.import_module(f"{self.package}.{name}")
        if name not in self._things:
            raise PeepholeError(f"module {self.package}.{name} defines no {self.kind}; decorate it with register")
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: str) -> bool:
        return name in self.names()

    def digest(self, name: str) -> str:
        """A digest of the code that defines ``name``: its module and what that imports from its own folder.

        Comments, docstrings and layout do not count. It enters the identity of whatever is computed with the thing,
        so that changed code is never answered from the store.
        """
        name = self.resolve(name)
        if name in self._foreign:
            point = self._foreign[name]
            version = point.dist.version if point.dist else "?"
            return _sha(f"{point.value}@{version}")
        return self.module_digest(f"{self.package}.{name}")

    def module_digest(self, module: str) -> str:
        """The same for any module of the entries' top folder, by its import name."""
        if module not in self._digests:
            code = self._closure(module)
            self._digests[module] = _sha("\n".join(f"{name} {code[name]}" for name in sorted(code)))
        return self._digests[module]

    def _closure(self, module: str) -> dict[str, str]:
        """The code of a module and of all modules of its folder that it imports, directly or not."""
        found: dict[str, str] = {}
        waiting = [module]
        while waiting:
            module = waiting.pop()
            if module not in found and (code := self._code(module)) is not None:
                found[module], imported = code
                waiting += imported
        return found

    def _code(self, module: str) -> tuple[str, list[str]] | None:
        """A module's code without docstrings and the modules it imports; None outside the entry's top folder."""
        if module not in self._read:
            top = ".".join(self.package.split(".")[:2])
            root = self._folder if top == self.package else self._folder.parent
            path = root.joinpath(*module.removeprefix(f"{top}.").split(".")).with_suffix(".py")
            inside = module.startswith(f"{top}.") and path.is_file()
            tree = _parse(path) if inside else None
            self._read[module] = (ast.unparse(tree), list(_imports(tree))) if tree else None
        return self._read[module]


def _spelling(name: str) -> str:
    return name.strip().lower().replace("-", "_")


def _parse(path: Path) -> ast.Module:
    """A file's syntax tree without docstrings; comments and layout are not in it anyway."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return tree


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
