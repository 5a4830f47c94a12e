"""Submissions that mean harm end themselves, and nothing else."""

import os
import socket
import time
from dataclasses import replace

import hostile
import psutil
import pytest

from peephole.submissions.confinement import confinement
from peephole.submissions.failure import SubmissionError

names = {"ids": lambda one: one.name}


@pytest.mark.parametrize("one", hostile.ENDING, **names)
def test_it_is_ended_with_a_clear_line(one, submitted, ask, small_limits):
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    start = time.monotonic()
    with pytest.raises(SubmissionError, match=r"^method ") as caught:
        ask(submitted(one.code), replace(small_limits, seconds=one.seconds))
    assert one.said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 60
    left = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
    assert not left


@pytest.mark.parametrize("one", hostile.STAYING, **names)
def test_it_fails_with_a_clear_line(one, submitted, ask):
    with pytest.raises(SubmissionError, match=r"^method ") as caught:
        ask(submitted(one.code))
    assert one.said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_it_must_not_reach_it_does_not_reach(submitted, ask, tmp_path, monkeypatch):
    if not (confinement().namespaces and confinement().landlock and confinement().seccomp):
        pytest.skip(confinement().sentence)
    board = tmp_path / "results" / "leaderboard.csv"
    board.parent.mkdir()
    board.write_text("method,score\noracle,1\n")
    monkeypatch.setenv("PEEPHOLE_SECRET", "42")
    bus = str(tmp_path / "bus")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(bus)
        local.listen()
        told = tmp_path / "told.txt"
        told.write_text(f"{board}\n{server.getsockname()[1]}\n{os.getpid()}\n{tmp_path}\n{bus}")
        one = submitted(hostile.PROBES, beside=[told])
        with pytest.raises(SubmissionError, match="managed: nothing"):
            ask(one)
    assert board.read_text() == "method,score\noracle,1\n"
    assert not (tmp_path / ".peephole-was-here").exists()
