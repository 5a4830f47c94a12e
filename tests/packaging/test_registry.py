import shutil
import sys

import pytest

from peephole.errors import PeepholeError, UnknownName
from peephole.registry import Registry

RULE = '''
"""Docstring."""
from lab.things.shared import half
from lab.things.base import THINGS

@THINGS.register
class Rule:
    """What it does."""
    value = half(4)  # a comment
'''


@pytest.fixture
def things(tmp_path, monkeypatch):
    """A package of one's own: lab/things/kinds/first.py, things/kinds/second.py, things/shared.py, things/base.py."""
    package = tmp_path / "lab" / "things"
    (package / "kinds").mkdir(parents=True)
    for folder in (package.parent, package, package / "kinds"):
        (folder / "__init__.py").write_text("")
    (package / "base.py").write_text(
        "from peephole.registry import Registry\nTHINGS = Registry('thing', 'lab.things.kinds')\n"
    )
    (package / "shared.py").write_text("def half(x):\n    return x / 2\n")
    (package / "kinds" / "first.py").write_text(RULE)
    (package / "kinds" / "second.py").write_text(RULE.replace("4", "6"))
    (package / "kinds" / "broken.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.split(".")[0] == "lab"]:
        del sys.modules[name]
    shutil.rmtree(package.parent)


def registry():
    from lab.things.base import THINGS

    return THINGS


def test_files_are_entries_and_are_imported_only_when_asked_for(things):
    assert registry().names() == ["broken", "first", "second"]
    assert "lab.things.kinds.first" not in sys.modules
    assert registry()["first"].value == 2.0
    assert "lab.things.kinds.second" not in sys.modules


@pytest.mark.parametrize("spelling", ["first", "FIRST", " First "])
def test_spelling_is_forgiven(things, spelling):
    assert registry().resolve(spelling) == "first"


def test_an_unknown_name_is_told_what_exists(things):
    with pytest.raises(
        UnknownName, match=r"unknown thing 'fist'. Did you mean 'first'\? There are: broken, first, second"
    ):
        registry()["fist"]


def test_a_file_that_registers_nothing_is_an_error(things):
    with pytest.raises(PeepholeError, match="defines no thing"):
        registry()["broken"]


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("kinds/first.py", "# a comment", "# another", False),
        ("kinds/first.py", "What it does.", "What it really does.", False),
        ("kinds/first.py", "half(4)", "half(5)", True),
        ("kinds/second.py", "half(6)", "half(7)", False),
        ("shared.py", "x / 2", "x / 2.5", True),
    ],
)
def test_a_digest_follows_the_code_and_nothing_else(things, file, old, new, changes):
    before = Registry("thing", "lab.things.kinds").digest("first")
    text = (things / file).read_text()
    assert old in text
    (things / file).write_text(text.replace(old, new))
    assert (Registry("thing", "lab.things.kinds").digest("first") != before) == changes


def test_two_things_in_one_file_are_refused(things):
    (things / "kinds" / "first.py").write_text(RULE + RULE.replace("class Rule", "class Other"))
    with pytest.raises(ValueError, match="two things"):
        registry()["first"]
