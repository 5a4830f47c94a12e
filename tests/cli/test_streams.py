"""Every command on streams of every encoding: what it says gets there, and its exit code does not depend on it."""

import io
import json
import re
import sys
from collections.abc import Iterator

import pytest
import typer

import peephole
from peephole.cli import app, main
from peephole.cli.streams import clean, console, degrade_streams, plain
from peephole.datasets.shapes import Shapes
from peephole.machine import Machine

ENCODINGS = ("utf-8", "latin-1", "ascii", "cp1252", "iso8859-7", "cp437")
OPTIONS = peephole.Options(
    seeds=1,
    samples=8,
    epochs=1,
    triggers=("square",),
    methods=("gradient", "lrp_alpha_beta"),
    metrics=("completeness", "twin_difference"),
    layers=("input",),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small run in a folder whose name no encoding of one byte a letter can write."""
    folder = tmp_path_factory.mktemp("α–β") / "Ergebnisse ✓"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 2000, "test": 200})
        patch.setattr(peephole.certificates, "failures", lambda certificate, gates: [])
        peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"), report=False)
        yield folder


def leaves(command, path=()) -> Iterator[tuple[str, ...]]:
    """All commands that do something, by the words that call them."""
    inner = getattr(command, "commands", None)
    if not inner:
        yield path
        return
    for name, each in inner.items():
        yield from leaves(each, (*path, name))


COMMANDS = {
    ("run",): ["quick", "--out", "{folder}", "--dry-run"],
    ("new",): ["{work}/α.py"],
    ("check",): ["gradient–α"],
    ("submit",): ["gradient–α", "--out", "{folder}"],
    ("leaderboard",): ["{folder}", "--metrics", "all"],
    ("compare",): ["gradient", "lrp_alpha_beta", "{folder}"],
    ("explain",): ["--check", "--run", "{folder}"],
    ("figure",): ["layer_curves", "{folder}", "--out", "{work}/β.pdf"],
    ("merge",): ["{folder}/rows", "--out", "{work}/merged β"],
    ("report",): ["{folder}", "--out", "{work}/page β"],
    ("reproduce",): ["--quick", "--out", "{folder}", "--dry-run"],
    ("verify",): ["{folder}", "--share", "0"],
    ("list",): ["attributions"],
    ("store", "ls"): ["{folder}"],
    ("store", "check"): ["{folder}"],
    ("store", "gc"): ["{folder}", "--dry-run"],
    ("store", "export"): ["{work}/α.h5", "--from", "{folder}"],
}


def test_every_command_is_tried():
    assert set(leaves(typer.main.get_command(app))) == set(COMMANDS)


def call(monkeypatch, encoding, *arguments):
    """Exit code and what was written, in a process whose streams have this encoding."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict") for _ in range(2)]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        patch.setattr(sys, "argv", ["peephole", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
    for stream in streams:
        stream.flush()
    return end.value.code or 0, *(stream.buffer.getvalue().decode(encoding) for stream in streams)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_writes_to_every_stream(finished, tmp_path, monkeypatch, command):
    codes, length = set(), {}
    for encoding in ENCODINGS:
        work = tmp_path / encoding
        work.mkdir()
        arguments = [each.format(folder=finished, work=work) for each in COMMANDS[command]]
        code, out, err = call(monkeypatch, encoding, *command, *arguments)
        assert "Traceback" not in err
        assert "UnicodeEncodeError" not in err
        codes.add(code)
        length[encoding] = len(out.split()) + len(err.split())
    assert len(codes) == 1, codes
    assert min(length.values()) > 0


def test_characters_degrade_and_stay_readable(finished, monkeypatch):
    _, out, _ = call(monkeypatch, "ascii", "list", "attributions")
    assert "alpha" in out.lower()
    assert "?" not in re.sub(r"\w\?", "", out)
    assert plain("2–4 × α, ≥ 3 … „Größe“ naïve → ✓") == '2-4 x alpha, >= 3 ... "Grosse" naive -> yes'
    assert plain("日") == "?"


def test_what_a_stream_can_write_stays():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        degrade_streams()
    stream.write("é × – α")
    stream.flush()
    assert stream.buffer.getvalue().decode("latin-1") == "é × - alpha"


def test_names_of_files_that_are_no_text_can_be_written():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        degrade_streams()
    stream.write(b"a\xff".decode(errors="surrogateescape"))
    stream.flush()
    assert stream.buffer.getvalue() == b"a?"


STEERING = ("\x1b[31mred", "\x1b]0;title\x07", "\x9b2J", "a\rb", "a\x08b", "x\u202ey", "x\u2066y", "\u200bx", "\ufeffx")


@pytest.mark.parametrize("text", STEERING, ids=ascii)
def test_nothing_that_steers_a_terminal_gets_there(text, monkeypatch):
    for encoding in ("utf-8", "ascii"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            degrade_streams()
            console().print(text, markup=False)
        stream.flush()
        found = stream.buffer.getvalue().decode(encoding)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]", found)
    assert clean(text).isprintable()
    assert clean("tab\tand\nline") == "tab\tand\nline"


def test_an_error_is_one_line(monkeypatch, tmp_path):
    code, _, err = call(monkeypatch, "ascii", "leaderboard", str(tmp_path / "no\nsuch\x1b[31m"))
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "\x1b" not in err


FOLDER_COMMANDS = [
    ("leaderboard", "--json"),
    ("verify", "--share", "0", "--json"),
    ("store", "ls", "--json"),
    ("store", "check", "--json"),
    ("store", "gc", "--dry-run", "--json"),
    ("compare", "gradient", "lrp_alpha_beta", "--json"),
]


@pytest.mark.parametrize("command", FOLDER_COMMANDS, ids=" ".join)
def test_a_folder_is_taken_either_way(finished, monkeypatch, command):
    one = call(monkeypatch, "utf-8", *command, str(finished))
    other = call(monkeypatch, "utf-8", *command, "--out", str(finished))
    assert one[0] == other[0] in (0, 1), one
    if command[0] != "verify":
        assert json.loads(one[1]) == json.loads(other[1])
    code, _, err = call(monkeypatch, "utf-8", *command, str(finished), "--out", str(finished / "store"))
    assert code == 2
    assert "two folders are given" in err
