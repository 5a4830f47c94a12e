"""A submission's process, seen from the benchmark: it is sent tensors and returns tensors, within its limits."""

from __future__ import annotations

import contextlib
import io
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peephole.submissions.channel import Broken, Channel, Gone
from peephole.submissions.confinement import confinement, environment
from peephole.submissions.facts import Facts, read
from peephole.submissions.failure import SubmissionError
from peephole.submissions.limits import Limits
from peephole.submissions.submission import Submission
from peephole.submissions.watch import Watch

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from peephole.attributions.canonical import Canonical

START = 120.0
"""Seconds that Python and torch may take to start, besides what the submission may take."""
SPARE = 2**20
"""Bytes that an answer may have besides its maps."""


@dataclass(frozen=True)
class Examined:
    """What came of asking a method.

    Attributes:
        maps: as `Guest.explain` gives them; None if they were refused.
        changes: what the call left changed, as `Guest.explain` gives it.
        facts: what is seen of the maps as they were returned, by layer; some or all may be missing.
        refused: why the maps were refused; empty if they were not.
    """

    maps: dict[str, Tensor] | None
    changes: list[tuple[str, str]]
    facts: dict[str, Facts]
    refused: str


class Guest:
    """A process that runs one submission and nothing else.

    What it is asked for fails from the first failure that ended it on, with the same words.

    Args:
        submission: what it runs.
        device: what it computes on.
        limits: what it may use; by default what stands in the submission, or else the defaults of `Limits`.

    Raises:
        SubmissionError: it does not start, cannot load the method, or cannot call it.
    """

    def __init__(self, submission: Submission, device: torch.device, limits: Limits | None = None) -> None:
        import torch

        self.submission = submission
        self.limits = limits or submission.limits or Limits()
        self._ended: SubmissionError | None = None
        self._network: weakref.ref[Canonical] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="peephole-guest-", ignore_cleanup_errors=True)
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        command = [sys.executable, "-P", "-m", "peephole.submissions.guest", str(theirs.fileno())]
        self._process = subprocess.Popen(
            confinement().command(command, Path(self._folder.name), self.limits),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            cwd=self._folder.name,
            env=environment(Path(self._folder.name)),
            start_new_session=True,
        )
        theirs.close()
        self._watch = Watch(self._process, self.limits)
        self._finalizer = weakref.finalize(self, _close, self._watch, self._channel, self._folder)
        hello = {
            "source": str(submission.source.resolve()) if submission.source else None,
            "files": self.limits.files,
            "disk": self.limits.disk,
            "memory": self.limits.memory if device.type == "cpu" else 0,
            "threads": torch.get_num_threads(),
            "device": str(device),
        }
        load = {"do": "load", "how": dict(submission.how), "name": submission.name}
        try:
            self._send(hello, None, START)
            said, _ = self._ask(load, None, START + self.limits.seconds, SPARE, "to load")
            if "unfit" in said:
                raise self._fail(f"{said['unfit']!s:.1000}", unfit=True)
        except BaseException:
            self.close()
            raise
        self.stochastic = said.get("stochastic") is True
        """Whether the method says that it draws random numbers."""
        self.layered = said.get("layered") is True
        """Whether it takes layers."""

    @property
    def peak_memory(self) -> int:
        """Bytes of memory that its processes have used together, at most."""
        return self._watch.peak

    def layers(self, model: Canonical) -> tuple[str, ...]:
        """The layers of ``model`` that the method has maps at.

        Raises:
            SubmissionError: it says something else, or fails.
        """
        self._show(model)
        said, _ = self._ask({"do": "layers"}, None, self.limits.seconds, SPARE, "to say at which layers it has maps")
        layers = said.get("layers")
        if not isinstance(layers, list) or not layers or not set(map(str, layers)) <= set(model.layers):
            raise self._fail(f"says that it has maps at {layers!r:.200}; expected some of {', '.join(model.layers)}")
        return tuple(layer for layer in model.layers if layer in layers)

    def explain(
        self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str], seed: int = 0
    ) -> tuple[dict[str, Tensor], list[tuple[str, str]]]:
        """Maps float32 ``[B,c,h,w]`` on the CPU, channels summed but at the input, and what the call left changed:
        pairs of what it concerns and the end of a sentence, see `peephole.submissions.traces.Traces.changes`.

        Raises:
            SubmissionError: the method fails, or uses more than it may.
        """
        found, changes, _ = self._explained(model, x, target, layers, seed, facts=False)
        assert found is not None
        return found, changes

    def examine(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str], seed: int = 0) -> Examined:
        """`explain`, and what is seen of the maps; maps that are not what they should be are no error.

        Raises:
            SubmissionError: the method fails, or uses more than it may.
        """
        found, changes, said = self._explained(model, x, target, layers, seed, facts=True)
        try:
            facts = {layer: read(said["facts"][layer]) for layer in layers if layer in said["facts"]}
        except (KeyError, TypeError, ValueError) as error:
            raise self._fail("did not answer as its process should") from error
        return Examined(found, changes, facts, _clean(f"{said.get('refused', '')!s:.1000}"))

    def _explained(
        self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str], seed: int, *, facts: bool
    ) -> tuple[dict[str, Tensor] | None, list[tuple[str, str]], dict[str, Any]]:
        """Maps, unless they were refused; what the call left changed; and all that was answered."""
        self._show(model)
        most = SPARE + sum(4 * len(x) * (x[0].numel() + x[0, 0].numel()) for _ in layers)
        most += sum(4 * len(x) * int(_size(model.shapes[layer])) for layer in layers)
        name = self.submission.name
        message = {"do": "explain", "layers": list(layers), "seed": seed, "name": name, "facts": facts}
        what = f"for {len(x)} pictures at {len(layers)} layer{'s' * (len(layers) > 1)}"
        said, maps = self._ask(message, {"x": x, "target": target}, self.limits.seconds, most, what)
        refused = facts and "refused" in said
        if not refused and set(maps) != {f"map/{number}" for number in range(len(layers))}:
            raise self._fail("did not answer with its maps")
        changes = said.get("changes")
        if not isinstance(changes, list) or not all(isinstance(one, list) and len(one) == 2 for one in changes):
            raise self._fail("did not answer as its process should")
        found = None if refused else {layer: maps[f"map/{number}"] for number, layer in enumerate(layers)}
        if found is not None:
            from peephole.attributions.checked import check_maps

            # What the process says about its maps it may have been made to say.
            if not all(values.is_floating_point() for values in found.values()):
                raise self._fail("did not answer with its maps")
            check_maps(name, found, model, x, layers)
        return found, [(_clean(str(concern)), _clean(str(sentence))) for concern, sentence in changes], said

    def close(self) -> None:
        """End the process. It may be done twice."""
        self._finalizer()

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _show(self, model: Canonical) -> None:
        """Send the network, unless it is the one that was sent last."""
        if self._network is not None and self._network() is model:
            return
        import numpy as np
        import torch

        # A pickle is safe in this direction: it is ours, and the other process has nothing to lose.
        data = io.BytesIO()
        torch.save(model, data)
        network = torch.from_numpy(np.frombuffer(data.getbuffer(), dtype=np.uint8))
        self._ask({"do": "network"}, {"network": network}, START, SPARE, "to take a network")
        self._network = weakref.ref(model)

    def _ask(
        self, message: Mapping[str, Any], tensors: Mapping[str, Tensor] | None, seconds: float, most: int, what: str
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Send a message and wait for its answer."""
        start = time.monotonic()
        self._send(message, tensors, seconds)
        try:
            said, answered = self._channel.receive(max(1e-3, seconds - (time.monotonic() - start)), most)
        except TimeoutError:
            raise self._end(f"took more than {seconds:g} s {what} and was ended") from None
        except Gone:
            raise self._end(self._died()) from None
        except Broken:
            raise self._end("broke off the conversation with something that is no answer, and was ended") from None
        if not isinstance(said, dict):
            raise self._end("broke off the conversation with something that is no answer, and was ended")
        if "error" in said:
            raise self._fail(f"{said['error']!s:.1000}", f"{said.get('trace', '')!s:.20000}")
        return said, answered

    def _send(self, message: Mapping[str, Any], tensors: Mapping[str, Tensor] | None, seconds: float) -> None:
        if self._ended is not None:
            raise self._ended
        try:
            self._channel.send(message, tensors, seconds)
        except TimeoutError:
            raise self._end(f"took nothing for {seconds:g} seconds and was ended") from None
        except Gone:
            raise self._end(self._died()) from None

    def _fail(self, message: str, trace: str = "", *, unfit: bool = False) -> SubmissionError:
        """An error of the method; its process lives."""
        name, message = self.submission.name, _clean(message)
        return SubmissionError(message if message.startswith(name) else f"{name} {message}", _clean(trace), unfit=unfit)

    def _end(self, message: str) -> SubmissionError:
        """An error that the process does not outlive."""
        self._watch.end()
        verdict = f"{self._watch.verdict} and was ended" if self._watch.verdict else message
        self._ended = SubmissionError(f"{self.submission.name} {verdict}", ended=True)
        return self._ended

    def _died(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        code = self._process.returncode
        last = _clean(self._watch.last_output)
        said = f"; its last words: {last:.200}" if last else ""
        if code is not None and code < 0:
            return f"crashed its process ({_signal(-code)}){said}"
        return f"ended its process (exit code {code}){said}"


def _close(watch: Watch, channel: Channel, folder: tempfile.TemporaryDirectory[str]) -> None:
    watch.close()
    channel.close()
    folder.cleanup()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # those for real time have no names
        return f"signal {number}"


def _clean(text: str) -> str:
    """Text of a submission as it can be printed: no control characters, and nothing that cannot be encoded."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


def _size(shape: Sequence[int]) -> int:
    size = 1
    for length in shape[1:]:
        size *= length
    return size
