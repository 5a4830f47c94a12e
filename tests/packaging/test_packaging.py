"""The wheel holds every folder, and the folders import only what they may."""

import ast
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = {
    "benchmark": "peephole",
    "attacks": "peephole.attacks",
    "attributions": "peephole.attributions",
    "leaderboard": "peephole.leaderboard",
    "triggers": "peephole.triggers",
}
GROUND = tuple(
    f"peephole.{name}"
    for name in (
        *("errors", "registry", "files", "hdf5_files", "labels", "memory_layout", "network_copy", "seeds", "texts"),
    )
)
MAY_IMPORT = {
    "triggers": set(),
    "attributions": set(),
    "attacks": {"peephole.triggers"},
    "leaderboard": {"peephole.triggers"},
}


def python_files(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def test_every_package_of_the_tree_is_in_the_wheel():
    found = {
        ".".join((name, *path.parent.relative_to(ROOT / folder).parts))
        for folder, name in FOLDERS.items()
        for path in python_files(folder)
        if path.name == "__init__.py"
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


def test_no_module_lies_outside_a_package():
    for folder in FOLDERS:
        for path in python_files(folder):
            assert (path.parent / "__init__.py").is_file(), f"{path} would not be installed"


@pytest.mark.parametrize("module", sorted(PROJECT["tool"]["setuptools"]["packages"]))
def test_every_package_is_importable_where_it_is_installed(module):
    assert importlib.util.find_spec(module) is not None


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            assert path.is_relative_to(ROOT / "tests"), f"{path}: import peephole.… absolutely"  # tests are no package
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def check_imports(path, allowed):
    for name in imports(path):
        if name.split(".")[0] == "peephole":
            assert any(name == top or name.startswith(f"{top}.") for top in allowed), (
                f"{path.relative_to(ROOT)} imports {name}"
            )


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_what_lies_below_it(folder):
    for path in python_files(folder):
        check_imports(path, (*GROUND, FOLDERS[folder], *MAY_IMPORT[folder]))


@pytest.mark.parametrize("name", GROUND)
def test_the_ground_floor_imports_nothing_else_of_ours(name):
    place = ROOT / "benchmark" / name.rpartition(".")[2]
    for path in [*place.rglob("*.py")] or [place.with_suffix(".py")]:
        check_imports(path, GROUND)


def test_no_folder_is_imported_by_its_bare_name():
    for folder in (*FOLDERS, "tests"):
        for path in python_files(folder):
            assert not {name.split(".")[0] for name in imports(path) if name} & set(FOLDERS), path


@pytest.mark.parametrize("module", ["peephole", "peephole.cli", "peephole.runner", "peephole.plan", "peephole.cli.run"])
def test_torch_is_imported_only_when_needed(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
