"""Things of a registry by their texts: spelling, identity, construction."""

import hashlib
import shutil
import subprocess
import sys

import pytest

from peephole.errors import PeepholeError, UnknownName
from peephole.registry import Registry
from peephole.texts.grammar import Grammar
from peephole.texts.naming import Naming

PLAIN = '''
from sweets.base import SWEETS

@SWEETS.register
class Plain:
    """Without options."""
'''
FILLED = '''
from typing import Annotated, Literal
from pydantic import Field
from pydantic.dataclasses import dataclass
from sweets.base import SWEETS

@SWEETS.register
@dataclass(frozen=True)
class Filled:
    """With options."""
    filling: Literal["nougat", "jam"] = "jam"
    layers: Annotated[int, Field(ge=1)] = 2
    share: float = 0.5
    colours: tuple[str, ...] = ()
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    package = folder / "sweets"
    (package / "kinds").mkdir(parents=True)
    for place in (package, package / "kinds"):
        (place / "__init__.py").write_text("")
    (package / "base.py").write_text(
        "from peephole.registry import Registry\nSWEETS = Registry('sweet', 'sweets.kinds')\n"
    )
    (package / "kinds" / "plain.py").write_text(PLAIN)
    (package / "kinds" / "filled_sweet.py").write_text(FILLED)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.split(".")[0] == "sweets"]:
        del sys.modules[name]
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def naming(folder):
    from sweets.base import SWEETS

    return Naming(SWEETS, Grammar("sweet", ("plain", "filled_sweet(layers=3)"), nested=False))


@pytest.mark.parametrize(
    ("text", "spelling", "name"),
    [
        ("Plain", "plain", "plain"),
        ("plain()", "plain", "plain"),
        ("Filled-Sweet( layers=3,share=.2 )", "filled_sweet(layers=3, share=0.2)", "filled_sweet"),
        ("filled_sweet(filling=nougat)", "filled_sweet(filling='nougat')", "filled_sweet"),
        ('filled_sweet(jam, colours=(red, "dark-blue"))', "filled_sweet('jam', colours=('red', 'dark-blue'))", None),
        ("filled_sweet(filling=None, layers=true)", "filled_sweet(filling=None, layers=True)", None),
        ("filled_sweet(filling=a:b)", "filled_sweet(filling='a:b')", None),
    ],
)
def test_there_is_one_spelling(naming, text, spelling, name):
    assert naming.resolve(text) == spelling
    assert naming.resolve(spelling) == spelling
    assert naming.name_of(text) == (name or "filled_sweet")


def test_names_without_quotes_are_text(naming):
    assert naming.build("filled_sweet(nougat)") == naming.build("filled_sweet(filling='nougat')")
    assert naming.build("filled_sweet(colours=(plain, red))").colours == ("plain", "red")
    assert naming.build("plain()").__class__.__name__ == "Plain"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plane", "unknown sweet 'plane'. Did you mean 'plain'"),
        ("sugar:plain", "unknown sweet 'sugar:plain'"),
        ("plain(", "the sweet 'plain(' cannot be read; write it like plain or filled_sweet(layers=3)."),
        ("plain, plain", "is not one sweet"),
        ("true", "has true where a sweet is wanted"),
        ("filled_sweet(filling=plain(3))", "has a value that is no number, text or tuple"),
        ("filled_sweet(filling=(1, plain()))", "has a value that is no number, text or tuple"),
        (None, "a sweet is named by a text such as 'filled_sweet(layers=3)', not by None."),
    ],
)
def test_what_is_malformed_or_unknown_is_refused_without_importing(naming, text, words):
    for ask in (naming.resolve, naming.name_of, naming.digest, naming.build):
        with pytest.raises(PeepholeError) as error:
            ask(text)
        assert words in str(error.value)
        assert "\n" not in str(error.value)


TAKES = "filled_sweet takes filling='jam', layers=2, share=0.5, colours=()."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plain(3)", "plain(3): more values than options; plain takes no options."),
        ("filled_sweet(layer=3)", f"there is no option layer; {TAKES}"),
        ("filled_sweet(jam, filling=jam)", f"filling is given twice; {TAKES}"),
        ("filled_sweet(filling=cheese)", f"filling should be 'nougat' or 'jam', not 'cheese'; {TAKES}"),
        ("filled_sweet(layers=0)", f"layers should be greater than or equal to 1, not 0; {TAKES}"),
        ("filled_sweet(layers='3')", f"layers should be a number, not '3'; {TAKES}"),
        ("filled_sweet(layers=true)", f"layers should be a number, not True; {TAKES}"),
    ],
)
def test_wrong_options_are_one_line_that_lists_the_right_ones(naming, text, words):
    with pytest.raises(PeepholeError) as error:
        naming.build(text)
    assert str(error.value).endswith(words)
    assert "\n" not in str(error.value)


def test_a_name_has_the_registrys_digest_and_a_text_one_of_text_and_code(naming):
    code = naming.registry.digest("filled_sweet")
    assert naming.digest("Filled-Sweet()") == code
    assert naming.digest("filled_sweet( layers = 3 )") == naming.digest("filled_sweet(layers=3)")
    expected = hashlib.sha256(f"filled_sweet(layers=3)\n{code}".encode()).hexdigest()[:16]
    assert naming.digest("filled_sweet(layers=3)") == expected
    assert naming.digest("filled_sweet(filling=jam)") == naming.digest("filled_sweet(filling='jam')") != code


def test_a_digest_follows_the_code(folder):
    grammar = Grammar("sweet", ("plain", "filled_sweet(layers=3)"), nested=False)
    file = folder / "sweets" / "kinds" / "filled_sweet.py"
    digests = []
    for default in ("0.5", "0.25"):
        file.write_text(FILLED.replace("0.5", default))
        fresh = Naming(Registry("sweet", "sweets.kinds"), grammar)
        digests.append((fresh.digest("filled_sweet(layers=3)"), fresh.digest("plain")))
    file.write_text(FILLED)
    assert digests[0][0] != digests[1][0]
    assert digests[0][1] == digests[1][1]


def test_an_unknown_name_is_known_as_such(naming):
    with pytest.raises(UnknownName, match="There are: filled_sweet, plain"):
        naming.resolve("plane(3)")


def test_only_building_imports(folder):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from sweets.base import SWEETS\n"
        "from peephole.texts.grammar import Grammar\n"
        "from peephole.texts.naming import Naming\n"
        "naming = Naming(SWEETS, Grammar('sweet', ('plain',), nested=False))\n"
        "naming.digest(naming.resolve('filled_sweet(jam)')), naming.name_of('plain')\n"
        "sys.exit('torch' in sys.modules or 'sweets.kinds.filled_sweet' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(folder)], check=False).returncode == 0
