"""What every adapter for another library keeps to; a new one enters by being registered."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from peephole.attributions.adapters.base import ADAPTERS
from peephole.attributions.adapters.installed import library_version
from peephole.errors import PeepholeError, UnknownName

PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(params=list(ADAPTERS))
def name(request):
    return request.param


def a_method(adapter):
    bare = adapter.__new__(adapter)
    bare.library = adapter._import()
    return next(iter(bare.methods()))


def test_it_says_what_it_is(name):
    adapter = ADAPTERS[name]
    assert adapter.title.strip()
    assert len(adapter.source) > len(adapter.title)
    assert len(adapter.__doc__) > 200


def test_it_is_named_after_the_distribution_and_its_extra(name):
    adapter = ADAPTERS[name]
    assert adapter.distribution == adapter.extra == name.replace("_", "-")
    extras = PROJECT["optional-dependencies"]
    assert any(requirement.startswith(adapter.distribution) for requirement in extras[adapter.extra])
    assert any(f"peephole[{adapter.extra}]" in item or adapter.extra in item for item in extras["test"])
    assert library_version(name.upper()) == version(adapter.distribution)


def test_an_unknown_method_is_told_what_exists(name):
    with pytest.raises(UnknownName, match=f"unknown .* method 'NoSuchThing'.* There are: .*{a_method(ADAPTERS[name])}"):
        ADAPTERS[name]("NoSuchThing", {})


def test_the_spelling_of_methods_is_forgiven(name):
    method = a_method(ADAPTERS[name])
    for spelling in (method, method.lower(), f"{method[:1]}_{method[1:]}".upper()):
        assert ADAPTERS[name](spelling, {}).method == method


def test_an_unknown_option_is_told_what_exists(name):
    with pytest.raises(PeepholeError, match=r"has no option 'no_such'; it has: .*seed") as caught:
        ADAPTERS[name](a_method(ADAPTERS[name]), {"no_such": 1})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", [-1, 0.5, "0", True, None])
def test_a_seed_is_a_whole_number(name, seed):
    with pytest.raises(PeepholeError, match=r"is no seed; expected a whole number from 0 on"):
        ADAPTERS[name](a_method(ADAPTERS[name]), {"seed": seed})


def test_a_library_that_is_not_installed_is_named_with_the_way_to_install_it(name, monkeypatch):
    adapter = ADAPTERS[name]
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    message = rf"{adapter.distribution} is not installed; .*: pip install 'peephole\[{adapter.extra}\]'\."
    with pytest.raises(PeepholeError, match=message):
        adapter("Whatever", {})


def test_the_version_of_a_library_that_is_not_installed_is_refused(name, monkeypatch):
    from importlib.metadata import PackageNotFoundError

    def absent(distribution):
        raise PackageNotFoundError(distribution)

    monkeypatch.setattr("peephole.attributions.adapters.installed.version", absent)
    with pytest.raises(PeepholeError, match=r"is not installed; .*pip install 'peephole\["):
        library_version(name)


def test_a_broken_library_is_named(name, monkeypatch):
    def broken(module):
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr("importlib.import_module", broken)
    with pytest.raises(PeepholeError, match=r"cannot be imported \(libGL"):
        ADAPTERS[name]._import()


def test_versions_are_known_without_torch_or_the_library():
    code = (
        "import sys; from peephole.attributions.adapters.installed import library_version as version;"
        f"[version(name) for name in {list(ADAPTERS)}];"
        "sys.exit(bool({'torch', 'captum', 'zennit', 'pytorch_grad_cam'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
