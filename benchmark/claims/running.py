"""Examining claims: plan what they need, compute what is missing, hold them against it, write it down."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from peephole._version import __version__
from peephole.claims.base import CLAIMS, Claim, name_of
from peephole.claims.extent import FULL, QUICK
from peephole.claims.study import Study
from peephole.claims.writing import FOLDER, read_reproduction, write_reproduction
from peephole.engines.outcome import Outcome, Watcher
from peephole.engines.run import run_units
from peephole.errors import PeepholeError
from peephole.figures.saving import save
from peephole.figures.style import paper_style
from peephole.leaderboard.claim_result import ClaimPart, ClaimResult, Reproduction
from peephole.machine import Machine, core_count
from peephole.mending import until_whole
from peephole.options import Options
from peephole.plan import Plan
from peephole.runner import Silent, begun, plan_run
from peephole.store.shard import arrays_digest
from peephole.store.store import Store
from peephole.turns import turn
from peephole.units.base import Unit, in_order
from peephole.workspace import Workspace

WIDTH, DOTS = 7.0, 150
"""Inches of a figure, and dots an inch: sharp on a page, and small enough to be kept with the code."""
MODELS = ("clean_model", "poisoned_model")
"""The kinds of units whose weights a result depends on."""


@dataclass(frozen=True)
class Reproduced:
    """What became of an examination.

    Attributes:
        folder: of the results.
        reproduction: the verdicts, those of earlier commands on the same models among them.
        examined: the names of the claims that were examined now.
        outcome: what was computed, found, failed, left out.
        log: the file that says when, and how things failed.
        report: the page that shows them, if it could be written.
        unreported: why it could not be, or empty.
    """

    folder: Path
    reproduction: Reproduction
    examined: tuple[str, ...]
    outcome: Outcome
    log: Path
    report: Path | None = None
    unreported: str = ""


@dataclass(frozen=True)
class Examination:
    """What is to be examined, planned; nothing is computed yet.

    Attributes:
        claims: which.
        study: what they are examined on.
        units: all that has to be in the store, each after its inputs.
    """

    claims: tuple[Claim, ...]
    study: Study
    units: tuple[Unit, ...]


def plan_examination(
    claims: Sequence[Claim],
    suite: str,
    *,
    out: Path,
    data: Path | None = None,
    machine: Machine | None = None,
    options: Options | None = None,
    quick: bool = False,
) -> Examination:
    """Plan what claims need. Arguments and errors as of `reproduce`."""
    plan = _plan(claims, suite, data, options or Options())
    return _examination(claims, plan, Workspace(Store(out / "store"), machine, data), quick)


def reproduce(
    claims: Sequence[Claim],
    suite: str,
    *,
    out: Path,
    command: Callable[[Sequence[str]], str],
    data: Path | None = None,
    machine: Machine | None = None,
    options: Options | None = None,
    quick: bool = False,
    watcher: Watcher | None = None,
    report: bool = True,
) -> Reproduced:
    """Examine claims on the models of a suite, and write verdicts, figures and a page to ``out``.

    What is in the store already, of an earlier run or examination, is not computed again.

    Args:
        claims: which.
        suite: name, or name/version.
        out: the output folder; made if missing.
        command: what to type to have claims of these numbers examined, all if none; it is written down.
        data: the folder with the user's data sets.
        machine: what to compute on.
        options: changes to the suite; claims add the methods that they need.
        quick: a smoke test: experiments beside the suite are small, and verdicts are none to quote.
        watcher: told of the progress.
        report: whether the page is written, too.

    Raises:
        PeepholeError: see `peephole.runner.run`.
    """
    options = options or Options()
    plan = _plan(claims, suite, data, options)
    _refuse_others(plan, quick, out)
    typed = command(_numbers(claims))
    with begun(plan, out, machine, data, options, (), watcher or Silent()) as (workspace, log):
        examination = _examination(claims, plan, workspace, quick)
        log.say(f"{len(claims)} claims need {len(examination.units)} of the plan's and other units")

        def write(outcome: Outcome, mended: int) -> Reproduced:
            examination.study.available = outcome.available
            results = tuple(_examined(claim, examination.study, out, typed) for claim in claims)
            found = _reproduction(examination, results, typed)
            earlier = read_reproduction(out)
            if earlier is not None and _same_models(earlier, found):
                own = {result.name for result in results}
                kept = tuple(result for result in earlier.results if result.name not in own)
                together = tuple(sorted((*results, *kept), key=lambda result: result.number))
                found = replace(
                    found,
                    command=command(_numbers(together)),
                    results=together,
                    digests={**earlier.digests, **found.digests},
                )
            write_reproduction(found, out)
            return Reproduced(out, found, tuple(map(name_of, claims)), outcome, log.path)

        outcome = run_units(examination.units, workspace, log)
        log.again()
        with turn(out, lambda: log.say("somebody else is writing to the folder; waiting")):
            result = until_whole(examination.units, workspace, log, outcome, write)
            return _reported(result, data) if report else result


def _plan(claims: Sequence[Claim], suite: str, data: Path | None, options: Options) -> Plan:
    if options.methods or options.metrics or options.layers:
        raise PeepholeError("claims name their methods, metrics and layers themselves; leave these options out.")
    methods = dict.fromkeys(f"+{method}" for claim in claims for method in claim.methods)
    return plan_run(suite, data=data, options=replace(options, methods=tuple(methods)))


def _examination(claims: Sequence[Claim], plan: Plan, workspace: Workspace, quick: bool) -> Examination:
    study = Study(plan, workspace, QUICK if quick else FULL, quick)
    return Examination(tuple(claims), study, tuple(in_order(unit for claim in claims for unit in claim.units(study))))


def _examined(claim: Claim, study: Study, folder: Path, command: str) -> ClaimResult:
    """Hold a claim against what was measured, and draw its figure."""
    found = claim.examine(study)
    tested = []
    for expectation in claim.expectations:
        answer = found[expectation.name]
        tested.append(
            ClaimPart(expectation, None, answer) if isinstance(answer, str) else ClaimPart(expectation, answer)
        )
    name, figure, caption = name_of(claim), "", ""
    with paper_style():
        drawing = claim.draw(study, WIDTH)
        if drawing is not None:
            figure, caption = f"{name}.png", drawing.caption
            save(drawing, folder / FOLDER / figure, claim.title, DOTS)
    facts = study.workspace.facts()
    made = (
        f"{datetime.now(UTC).date().isoformat()}, {command}: peephole {__version__} (changed since it was committed: "
        f"{facts['dirty']}), code of the claim {CLAIMS.digest(name)[:16]}, torch {facts['torch_version']} on "
        f"{facts['device']}"
    )
    own = {part: getattr(claim, part) for part in ("number", "title", "source", "statement", "measured", "test")}
    return ClaimResult(name=name, **own, tested=tuple(tested), figure=figure, caption=caption, made=made)


def _reproduction(examination: Examination, results: tuple[ClaimResult, ...], command: str) -> Reproduction:
    study = examination.study
    plan, workspace = study.plan, study.workspace
    facts = {name: str(value) for name, value in workspace.facts().items()}
    here = (
        f"{platform.system()} {platform.machine()}, {core_count()} processor cores, Python {platform.python_version()}"
    )
    models = [unit for unit in examination.units if unit.kind in MODELS and study.has(unit)]
    stored = {unit: workspace.store.facts(unit.kind, unit.digest) for unit in models}
    digests = {unit.label: _weights_digest(unit, found, workspace) for unit, found in stored.items()}
    data = {str(found["data_digest"]) for found in stored.values() if "data_digest" in found}
    return Reproduction(
        suite=plan.suite.identifier,
        subject=f"{plan.suite.model} on {plan.suite.dataset.name}, side {plan.suite.dataset.side}",
        command=command,
        quick=study.quick,
        seeds=plan.suite.model_seeds,
        facts={**facts, "machine": here},
        digests={**({plan.suite.dataset.name: ", ".join(sorted(data))} if data else {}), **digests},
        results=results,
    )


def _weights_digest(unit: Unit, facts: Mapping[str, Any], workspace: Workspace) -> str:
    """What two people compare to see that they speak of the same network, to the bit."""
    return str(facts.get("weights_digest") or arrays_digest(workspace.read(unit).arrays))


def _numbers(claims: Sequence[Claim | ClaimResult]) -> list[str]:
    """What is typed for these claims: nothing if they are all that there are."""
    numbers = [str(claim.number) for claim in claims]
    return numbers if len(numbers) < len(CLAIMS.names()) else []


def _refuse_others(plan: Plan, quick: bool, folder: Path) -> None:
    """Refuse to take the place of verdicts on other networks, or of more than a smoke test."""
    earlier = read_reproduction(folder)
    if earlier is not None and (earlier.suite, earlier.quick) != (plan.suite.identifier, quick):
        kind = "a smoke test" if earlier.quick else "verdicts"
        raise PeepholeError(
            f"{folder / FOLDER} has {kind} on {earlier.suite}, which {plan.suite.identifier} would replace; give "
            "another folder with --out, or move that one away."
        )


def _same_models(earlier: Reproduction, now: Reproduction) -> bool:
    """Whether what was found earlier may stand beside what is found now."""
    alike = ("suite", "subject", "quick", "seeds")
    shared = earlier.digests.keys() & now.digests.keys()
    return all(getattr(earlier, name) == getattr(now, name) for name in alike) and all(
        earlier.digests[name] == now.digests[name] for name in shared
    )


def _reported(result: Reproduced, data: Path | None) -> Reproduced:
    """With the report, of which the claims are a page; verdicts are written whatever becomes of it."""
    from peephole.report.report import report_on

    try:
        index = report_on(result.folder, data)
    except PeepholeError as error:
        return replace(result, unreported=str(error))
    return replace(result, report=index.parent / "claims.html")
