"""A submission from the method to its row: checked, computed beside the reference rows, put on the board."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peephole.engines.outcome import Outcome, Watcher
from peephole.errors import PeepholeError
from peephole.machine import Machine
from peephole.models.named import check_named
from peephole.options import Options
from peephole.request import REQUEST, read_request
from peephole.runner import RunResult, plan_run, run_with
from peephole.store.folder import DEFAULT_OUT, open_folder, refuse_foreign
from peephole.store.store import Store
from peephole.submissions.alone import check_alone
from peephole.submissions.failure import SubmissionError
from peephole.submissions.folder import in_order, keep, stored
from peephole.submissions.limits import Limits
from peephole.submissions.submission import METHOD, Submission
from peephole.suites.suite import load_suite
from peephole.turns import turn
from peephole.units.base import Unit
from peephole.units.maps import Maps
from peephole.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from peephole.checking import CheckResult
    from peephole.plan import Plan

DEFAULT_SUITE = "quick"


@dataclass(frozen=True)
class Evaluation:
    """Where a submission stands.

    Attributes:
        name: of its row.
        score, score_lo, score_hi: the headline at its best layer and its 95 % interval; 0 is chance, 1 the truth's.
        rank, rank_interval, tie_group: among all rows; the interval as ``"3-7"``.
        rows: how many rows there are, those of all layers.
        best_layer: chosen on pictures that no reported number knows.
        leaderboard: the whole board, a row a (method, layer).
        scores: the submission's own rows of scores.csv.
        check: what `peephole.check` said of it.
        run: what the run gave, the folder and all tables among it.
    """

    name: str
    score: float
    score_lo: float
    score_hi: float
    rank: int | None
    rank_interval: str
    tie_group: int | None
    rows: int
    best_layer: str
    leaderboard: pd.DataFrame
    scores: pd.DataFrame
    check: CheckResult
    run: RunResult

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        if self.rank is None:
            return (
                f"{self.name} has no rank: it lacks scores that other rows have, or no model of the run is certified."
            )
        return (
            f"{self.name} is number {self.rank} ({self.rank_interval.replace('-', '–')}) of {self.rows} rows, in which "
            f"every layer counts, at {self.best_layer}, its best layer: score {self.score:.2f} "
            f"[{self.score_lo:.2f}, {self.score_hi:.2f}], where 0 is chance and 1 the truth itself."
        )


@dataclass(frozen=True)
class Entry:
    """A submission and the run that it is to be part of.

    Attributes:
        submission: the new one.
        suite, options: of the run.
        out: the result folder.
        request: what its request.json said then.
    """

    submission: Submission
    suite: str
    options: Options
    out: Path
    request: bytes

    @property
    def submissions(self) -> tuple[Submission, ...]:
        """All that are to be on the board: those that the folder has now, and the new one in the place of its name."""
        others = (one for one in stored(self.out) if one.name != self.submission.name)
        return in_order((*others, self.submission))

    def plan(self, data: Path | None = None) -> Plan:
        """The plan of the run."""
        return plan_run(self.suite, data=data, options=self.options, submissions=self.submissions)


def evaluate(
    method: str | Callable[..., Any] | type | object,
    suite: str | None = None,
    *,
    name: str | None = None,
    method_options: Mapping[str, Any] | None = None,
    beside: Iterable[str | Path] = (),
    share: float = 1.0,
    out: str | Path = DEFAULT_OUT,
    options: Options | None = None,
    data: Path | None = None,
    machine: Machine | None = None,
    limits: Limits | None = None,
    watcher: Watcher | None = None,
    report: bool = True,
) -> Evaluation:
    """Put a method on a board, beside the benchmark's own, and say where it stands.

    Models, maps and scores that the folder has already are not computed again. The method runs in a process of its own
    that gets networks, pictures and labels, and nothing about the backdoors.

    Args:
        method: a function ``(model, x, target) -> map`` or ``(model, x, target, layers) -> {layer: map}``, a class
            with ``attribute``, or a text that names one, such as ``"my_method.py"``, ``"package.module:name"`` or
            ``"captum:IntegratedGradients"``.
        suite: its name; that of the folder's last run if not given, ``"quick"`` if there was none.
        name: of its row; by default the method's.
        method_options: what a text's function or class is called with, by name.
        beside: files and folders that the method reads.
        share: of the pictures that it is scored on, in (0,1]; less where it is too costly for all.
        out: the result folder.
        options: changes to the suite; those of the folder's last run if neither they nor a suite are given.
        data: the folder with the user's data sets.
        machine: what to compute on.
        limits: what the method's process may use.
        watcher: told of the progress.
        report: whether the web report is written, too.

    Raises:
        SubmissionError: the method cannot be loaded, fails a check or on a picture, or uses more than it may. The board
            is what it was.
        PeepholeError: see `peephole.run`; or the folder has this very method under another name.
    """
    machine = machine or Machine()
    made = staged(method, name=name, options=method_options, beside=map(Path, beside), share=share, limits=limits)
    with made as submission:
        entry = enter(submission, suite, options, Path(out))
        check = checked(submission, machine.device)
        return compute(entry, check, data=data, machine=machine, watcher=watcher, report=report)


@contextmanager
def staged(
    method: str | Callable[..., Any] | type | object,
    *,
    name: str | None = None,
    options: Mapping[str, Any] | Iterable[str] | None = None,
    beside: Iterable[Path] = (),
    share: float = 1.0,
    limits: Limits | None = None,
) -> Iterator[Submission]:
    """A submission whose files lie in a folder that is gone afterwards.

    All arguments are as of `evaluate`; ``options`` may be texts, ``key=value`` each.

    Raises:
        PeepholeError: see `peephole.submissions.target.submission` and `peephole.submissions.live.from_object`.
    """
    texts = [f"{key}={value!r}" for key, value in options.items()] if isinstance(options, Mapping) else options
    with tempfile.TemporaryDirectory(prefix="peephole-source-") as folder:
        source = Path(folder) / "source"
        source.mkdir()
        if isinstance(method, str | Path):
            from peephole.submissions.target import submission

            made = submission(str(method), source, name=name, options=tuple(texts or ()), beside=beside)
        else:
            from peephole.submissions.live import from_object

            if texts:
                raise PeepholeError(
                    "options are for a method given by name; give functools.partial(method, …) instead."
                )
            made = from_object(method, source, name=name)
        yield replace(made, share=share, limits=limits)


def enter(
    submission: Submission,
    suite: str | None,
    options: Options | None,
    out: Path,
    held_out: int | None = None,
    model: str | None = None,
) -> Entry:
    """Which run a submission becomes part of.

    Args:
        submission: the method.
        suite: its name; that of the folder's last run if not given, or else the default one.
        options: changes to it; those of the folder's last run if not given.
        out: the result folder.
        held_out: the number that models are drawn from, if they are to be held out; see `Options`.
        model: the network of the user's own that the folder's last run was of, if ``options`` do not say it.

    Raises:
        PeepholeError: the folder's last run was of a network of somebody's own that is not named here; or the folder
            holds something else, such as the board of another suite or of public models where
            held-out ones are asked for; or the same method under another name.
    """
    refuse_foreign(out)
    request = _request(out)
    last = read_request(out) if (out / REQUEST).is_file() else None
    there_is = "nothing" if last is None else _subject(last.suite, last.options)
    if last is not None:
        suite = last.suite if suite is None else _whole(suite)
        if options is None and last.options.model is not None:
            check_named(last.options.model, model)
        options = last.options if options is None else options
    suite, options = _whole(suite or DEFAULT_SUITE), options or Options()
    if held_out is not None:
        options = replace(options, held_out=held_out)
    if last is not None and _subject(suite, options) != there_is:
        raise PeepholeError(
            f"the board in {out} is of {there_is}, not of {_subject(suite, options)}; give another folder with --out."
        )
    twin = next((one for one in stored(out) if one.digest == submission.digest and one.name != submission.name), None)
    if twin is not None:
        raise PeepholeError(
            f"this very method is on the board in {out} as {twin.name}; change it, or give that --name."
        )
    return Entry(submission, suite, options, out, request)


def _request(folder: Path) -> bytes:
    """What the folder's last run was asked; nothing if there was none."""
    path = folder / REQUEST
    return path.read_bytes() if path.is_file() else b""


def _whole(suite: str) -> str:
    """A suite's name with its version."""
    found = load_suite(suite)
    return f"{found.name}/v{found.version}"


def _subject(suite: str, options: Options) -> str:
    """What a board is of: the suite's identifier. Where weights lie does not count."""
    return replace(options, weights=None).apply(load_suite(suite)).identifier


def checked(submission: Submission, device: str = "auto") -> CheckResult:
    """What `peephole.check` says of a submission, if it passes.

    Raises:
        SubmissionError: it does not; the message is the first thing that is wrong.
    """
    from peephole.checking import check_submission

    found = check_submission(submission, device=device)
    failed = next((one for one in found.findings if one.status == "failed"), None)
    if failed is not None:
        raise SubmissionError(
            f"{submission.name} does not pass the check '{failed.title}': {failed.found.rstrip('.')}; see peephole "
            f"check {submission.written}."
        )
    return found


def compute(
    entry: Entry,
    check: CheckResult,
    *,
    data: Path | None = None,
    machine: Machine | None = None,
    watcher: Watcher | None = None,
    report: bool = True,
) -> Evaluation:
    """Compute what is missing, and put the submission on the board if all of it could be computed.

    Raises:
        SubmissionError: it failed on a unit; nothing but the store has changed.
        PeepholeError: see `peephole.run`.
    """
    ours = entry.submission

    def accept(outcome: Outcome) -> None:
        for failure in outcome.failed:
            if _is_of(failure.unit, ours):
                raise SubmissionError(f"{failure.reason} (to {failure.unit.label})", failure.trace)
        every = (*outcome.computed, *outcome.cached)
        maps = [unit for unit in every if isinstance(unit, Maps) and _is_of(unit, ours)]
        check_alone(ours, maps, Workspace(Store(entry.out / "store"), machine, data, network=entry.options.model))

    with _alone_in(entry.out):
        if _request(entry.out) != entry.request:
            raise PeepholeError(f"another command has written a board in {entry.out} meanwhile; submit again.")
        result = run_with(
            lambda: entry.submissions,
            entry.suite,
            out=entry.out,
            data=data,
            machine=machine,
            options=entry.options,
            watcher=watcher,
            accept=accept,
            in_turn=True,
            report=report,
        )
        keep(ours, entry.out)
    return _evaluation(ours.name, result, check)


def _is_of(unit: Unit, submission: Submission) -> bool:
    return unit.spec.get("method") == METHOD and bool(unit.spec["method_code"] == submission.digest)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Nobody else submits to the folder meanwhile: two boards at once would each lack the other's row.

    Raises:
        PeepholeError: somebody does, or the folder cannot be written to.
    """
    open_folder(folder, create=True)

    def busy() -> None:
        raise PeepholeError(
            f"another method is being submitted to {folder}; wait until it is done, or give another folder with --out."
        )

    with turn(folder, busy):
        yield


def _evaluation(name: str, result: RunResult, check: CheckResult) -> Evaluation:
    import pandas as pd

    board = result.leaderboard
    own = board[board["method"] == name]
    best = own[own["best_layer"]].iloc[0] if own["best_layer"].any() else own.iloc[0]
    ranked = not pd.isna(best["rank"])
    return Evaluation(
        name=name,
        score=float(best["score"]),
        score_lo=float(best["score_lo"]),
        score_hi=float(best["score_hi"]),
        rank=int(best["rank"]) if ranked else None,
        rank_interval=str(best["rank_interval"]),
        tie_group=int(best["tie_group"]) if ranked else None,
        rows=len(board),
        best_layer=str(best["layer"]),
        leaderboard=board,
        scores=result.scores[result.scores["method"] == name].reset_index(drop=True),
        check=check,
        run=result,
    )
