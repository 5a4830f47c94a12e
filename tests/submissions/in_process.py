"""A guest without a process of its own: the same service, asked the same things, for tests that ask many methods."""

from __future__ import annotations

import json
import random
import sys
import threading
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch

import peephole.checks.process
import peephole.checks.trial
from peephole.checks.subjects import subjects
from peephole.submissions.guest import _answered
from peephole.submissions.host import Guest
from peephole.submissions.service import Service

ONE_AT_A_TIME = threading.RLock()
OWNERS = (torch, torch.nn.functional, torch.Tensor)


class InProcess(Guest):
    """Answers by the code that a guest's process runs; what keeps a process apart is not there."""

    def __init__(self, submission, device, limits=None):
        self.submission, self.limits = submission, limits
        self._ended = self._network = None
        self._dtype = torch.float32
        self._service = Service(device, submission.source)
        load = {"do": "load", "how": dict(submission.how), "name": submission.name}
        said, _ = self._ask(load, None, 0, 0, "")
        if "unfit" in said:
            raise self._fail(said["unfit"], unfit=True)
        self.stochastic, self.layered = said["stochastic"], said["layered"]

    @property
    def peak_memory(self):
        return 1

    def close(self):
        pass

    def _ask(self, message, tensors, seconds, most, what):
        with ONE_AT_A_TIME:
            torch.set_default_dtype(self._dtype)  # as if each guest had its own torch
            said, answered = _answered(getattr(self._service, message["do"]), message, tensors or {})
            self._dtype = torch.get_default_dtype()
            torch.set_default_dtype(torch.float32)
        said = json.loads(json.dumps(said))
        if "error" in said:
            raise self._fail(said["error"], said["trace"])
        return said, answered


@cache
def known_subjects():
    return subjects(torch.device("cpu"))


@contextmanager
def in_process(monkeypatch):
    """`peephole.check` without processes; what methods do to this one is undone."""
    monkeypatch.setattr(peephole.checks.process, "Guest", InProcess)
    monkeypatch.setattr(peephole.checks.trial, "subjects", lambda device: known_subjects())
    # What a method costs is measured on a few pictures only.
    monkeypatch.setattr(peephole.checks.trial, "COUNT", 6)
    monkeypatch.setattr(peephole.checks.trial, "TURNS", 1)
    held = {owner: dict(vars(owner)) for owner in OWNERS}
    numpy = np.random.get_state()  # noqa: NPY002 - methods draw from it
    states = random.getstate(), torch.get_rng_state()
    path, modules = list(sys.path), set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if "source" in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]
        for owner, values in held.items():
            for name, value in values.items():
                if vars(owner).get(name) is not value:
                    setattr(owner, name, value)
        torch.set_default_dtype(torch.float32)
        random.setstate(states[0])
        np.random.set_state(numpy)  # noqa: NPY002
        torch.set_rng_state(states[1])
