"""`peephole new` writes a method that passes as it stands, and never over anything."""

import pytest
from in_process import in_process
from typer.testing import CliRunner

from peephole.checking import check
from peephole.cli import app
from peephole.errors import PeepholeError


def new(path):
    return CliRunner().invoke(app, ["new", str(path)])


def test_what_it_writes_passes_without_a_warning(tmp_path, monkeypatch):
    path = tmp_path / "my_method.py"
    answer = new(path)
    assert answer.exit_code == 0
    assert f"peephole check {path}" in answer.stdout
    with in_process(monkeypatch):
        result = check(path, device="cpu")
    assert [(one.title, one.found) for one in result.findings if one.status != "passed"] == []
    assert result.name == "my_method"
    assert len(result.layers) == 5


def test_it_shows_how_to_draw_and_the_shapes_of_everything(tmp_path):
    new(tmp_path / "my_method.py")
    text = (tmp_path / "my_method.py").read_text()
    for word in ("stochastic = True", "[B,3,H,W]", "[B,classes]", "--option", "model.above(layer)"):
        assert word in text


def test_a_file_that_is_there_is_left_alone(tmp_path):
    path = tmp_path / "thesis.py"
    path.write_text("years of work")
    answer = new(path)
    assert isinstance(answer.exception, PeepholeError)
    assert "is there already" in str(answer.exception)
    assert path.read_text() == "years of work"


@pytest.mark.parametrize("name", ["method.txt", "method", "my-method.py", "nowhere/method.py", ".py"])
def test_what_is_no_place_for_a_method_is_refused(name, tmp_path):
    answer = new(tmp_path / name)
    assert isinstance(answer.exception, PeepholeError)
    assert "\n" not in str(answer.exception)
    assert list(tmp_path.iterdir()) == []
